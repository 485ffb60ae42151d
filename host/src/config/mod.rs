//! What is meant: flags, environment, configuration file and defaults, composed into the crates' own settings.
//!
//! Precedence: a flag, then its environment variable (clap joins these two), then the file, then the default. Nothing below
//! this module sees the whole: `host` hands each part to the crate that owns it.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_app::routes::Origins;
use guesthouse_deploy::settings::DeploySettings;
use guesthouse_deploy::settings::WatchMode;
use guesthouse_manifest::policy::Policy;
use guesthouse_sandbox::engine::SandboxSettings;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::settings::AccessLog;
use guesthouse_serve::settings::ServeSettings;
use guesthouse_serve::settings::WireTrace;
use guesthouse_serve::trusted::Trusted;
use guesthouse_types::units::Size;

use crate::cli::flags::AddressFlags;
use crate::cli::flags::CheckFlags;
use crate::cli::flags::DevFlags;
use crate::cli::flags::EdgeFlags;
use crate::cli::flags::RunFlags;
use crate::cli::flags::ServeFlags;
use crate::cli::values::AdminAddress;
use crate::cli::values::HostName;
use crate::cli::values::PathRoutes;
use crate::cli::values::Watch;
use crate::config::edge::TlsSettings;
use crate::config::file::File;
use crate::config::surroundings::Surroundings;
use crate::telemetry::LogSettings;

mod defaults;
pub mod edge;
pub mod file;
pub(crate) mod memory;
pub mod surroundings;

/// Everything that a host is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, and what is spoken there; at least one.
    pub listen: Vec<Endpoint>,
    /// Where health is asked for, if anywhere.
    pub health: Option<BindAddress>,
    /// Where certificates come from.
    pub tls: TlsSettings,
    /// For the request path.
    pub serve: ServeSettings,
    /// For the deploy path.
    pub deploy: DeploySettings,
    /// For the sandbox.
    pub sandbox: SandboxSettings,
    /// For the log.
    pub log: LogSettings,
    /// Threads that serve; one for each CPU when not said.
    pub threads: Option<usize>,
    /// The file that a SIGHUP reads again.
    pub file: Option<PathBuf>,
}

impl Config {
    /// What `guesthouse serve` with these flags means here.
    pub fn serve(flags: &ServeFlags, surroundings: &Surroundings) -> anyhow::Result<Config> {
        let file = match &flags.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let apps = flags.apps.clone().or(file.deploy.apps.clone()).unwrap_or_else(|| PathBuf::from("apps"));
        let apps = std::path::absolute(&apps).with_context(|| format!("the apps folder `{}`", apps.display()))?;
        let state = match flags.state.clone().or(file.deploy.state.clone()) {
            Some(state) => std::path::absolute(&state).with_context(|| format!("the state `{}`", state.display()))?,
            None => surroundings.state_directory(&apps)?,
        };
        check_apart(&apps, &state)?;
        let tls = TlsSettings::new(&flags.edge, &file, &state)?;
        let passed = &surroundings.passed_sockets;
        let listen = edge::endpoints(&flags.address, &flags.edge, &file, passed, &tls)?;
        let origins = origins(&flags.address, &file, &listen);

        let mut serve = ServeSettings::default();
        file.serve.apply(&mut serve);
        file.tls.apply(&mut serve);
        serve.trusted = edge::trusted(&flags.edge, &file);
        serve.proxy_protocol = flags.edge.proxy_protocol || file.serve.proxy_protocol;
        if serve.proxy_protocol && serve.trusted == Trusted::default() {
            bail!("--proxy-protocol needs a proxy whose headers are taken: name it with --trusted-proxy");
        }
        serve.trace_wire = flags.log.trace_wire.then_some(WireTrace::Masked);

        let mut deploy = defaults::deploy(apps, state, origins);
        deploy.secrets = surroundings.credentials_directory.clone();
        file.deploy.apply(&mut deploy);
        deploy.policy = file.policy.clone().unwrap_or_default();
        if let Some(watch) = flags.watch.or(file.deploy.watch) {
            deploy.watch = watch_mode(watch);
        }

        let mut sandbox = defaults::sandbox(deploy.policy.memory_bytes_max());
        file.sandbox.apply(&mut sandbox);
        file.outbound.apply(&mut sandbox.capabilities.outbound)?;
        check(&serve, listen.len())?;
        if sandbox.memory_bytes_max > sandbox.memory_total_bytes_max {
            bail!(
                "[sandbox] memory_max ({}) is more than memory_total ({})",
                Size(sandbox.memory_bytes_max),
                Size(sandbox.memory_total_bytes_max)
            );
        }
        Ok(Config {
            listen,
            health: health(
                flags.admin_listen.clone().or(file.serve.admin_listen.clone()),
                passed.iter().position(|name| name == edge::ADMIN),
                &deploy.state,
            ),
            tls,
            serve,
            deploy,
            sandbox,
            log: LogSettings {
                format: flags.log.log_format.or(file.log.format).unwrap_or_default(),
                filter: file.log.filter.clone(),
            },
            threads: file.serve.threads.map(std::num::NonZeroUsize::get),
            file: flags.config.clone(),
        })
    }

    /// What `guesthouse check` with these flags means: what `serve` would do here, with a state of its own in `state`.
    pub fn check(flags: &CheckFlags, state: &Path, surroundings: &Surroundings) -> anyhow::Result<Config> {
        let serve = ServeFlags {
            apps: flags.apps.clone(),
            config: flags.config.clone(),
            state: Some(state.to_owned()),
            ..ServeFlags::default()
        };
        let mut config = Config::serve(&serve, surroundings)?;
        // Its words are the report's; what is left for the log is what takes long, and what is wrong.
        config.log.filter.get_or_insert_with(|| "warn,guesthouse::compile=info".to_owned());
        Ok(config)
    }

    /// What `guesthouse run` with these flags means: the host that `serve` with the same ones would be.
    pub fn run(flags: &RunFlags, surroundings: &Surroundings) -> anyhow::Result<Config> {
        let serve = ServeFlags {
            apps: flags.apps.clone(),
            config: flags.config.clone(),
            state: flags.state.clone(),
            admin_listen: flags.admin_listen.clone(),
            ..ServeFlags::default()
        };
        let mut config = Config::serve(&serve, surroundings)?;
        // Its words are the command's; what is left for the log is what takes long, and what is wrong.
        config.log.filter.get_or_insert_with(|| "warn,guesthouse::compile=info".to_owned());
        Ok(config)
    }

    /// What `guesthouse dev` with these flags means: a host for one person, whose apps may do whatever they ask for.
    pub fn dev(flags: &DevFlags, apps: &Path, state: &Path) -> anyhow::Result<Config> {
        let (edge, file, tls) = (EdgeFlags::default(), File::default(), TlsSettings::default());
        let listen = edge::endpoints(&flags.address, &edge, &file, &[], &tls)?;
        if let Some(outside) = listen.iter().find(|endpoint| !endpoint.is_loopback()) {
            let outside = &outside.place;
            bail!("`dev` listens on loopback only, and {outside} can be reached from outside: use `guesthouse serve`");
        }
        let origins = origins(&flags.address, &file, &listen);
        let trace_wire = flags.log.trace_wire.then_some(WireTrace::Full);
        let access_log = if flags.access_log { AccessLog::All } else { AccessLog::Notable };
        let serve = ServeSettings { inner_details: true, access_log, trace_wire, ..ServeSettings::default() };
        let mut deploy = defaults::deploy(apps.to_owned(), state.to_owned(), origins);
        deploy.policy = Policy::permissive();
        let sandbox = defaults::sandbox(deploy.policy.memory_bytes_max());
        Ok(Config {
            listen,
            health: health(None, None, state),
            tls,
            serve,
            deploy,
            sandbox,
            log: LogSettings { format: flags.log.log_format.unwrap_or_default(), filter: None },
            threads: None,
            file: None,
        })
    }
}

fn origins(flags: &AddressFlags, file: &File, listen: &[Endpoint]) -> Origins {
    let domain = flags.domain.as_ref().or(file.serve.domain.as_ref()).map(HostName::to_string);
    let hosts = if flags.host.is_empty() { &file.serve.hosts } else { &flags.host };
    let hosts = hosts.iter().map(HostName::to_string).collect();
    let loopback = listen.iter().all(Endpoint::is_loopback);
    let path_routes = match flags.path_routes.or(file.serve.path_routes).unwrap_or(PathRoutes::Auto) {
        PathRoutes::On => true,
        PathRoutes::Off => false,
        PathRoutes::Auto => loopback && domain.is_none(),
    };
    let domain = domain.unwrap_or_else(|| "localhost".to_owned());
    Origins { domain, hosts, path_routes }
}

fn watch_mode(watch: Watch) -> WatchMode {
    match watch {
        Watch::Auto => WatchMode::Auto,
        Watch::Events => WatchMode::Events,
        Watch::Poll => WatchMode::Poll,
    }
}

fn health(wanted: Option<AdminAddress>, passed: Option<usize>, state: &Path) -> Option<BindAddress> {
    // A socket's path has 108 bytes with its NUL (unix(7)). A long state directory shall not stop the host: health is then
    // offered only where the operator says.
    const SOCKET_PATH_BYTES_MAX: usize = 107;
    match (wanted, passed) {
        (Some(AdminAddress::Off), _) => None,
        (Some(AdminAddress::Unix(path)), _) => Some(BindAddress::Unix(path)),
        (Some(AdminAddress::Tcp(address)), _) => Some(BindAddress::Tcp(address)),
        (None, Some(number)) => Some(BindAddress::Inherited(number)),
        (None, None) => Some(state.join("admin.sock"))
            .filter(|path| path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX)
            .map(BindAddress::Unix),
    }
}

/// Bounds that would not let anybody in.
fn check(serve: &ServeSettings, listeners: usize) -> anyhow::Result<()> {
    if serve.head_bytes_max < HEAD_BYTES_MIN {
        let (head, least) = (Size(serve.head_bytes_max as u64), Size(HEAD_BYTES_MIN as u64));
        bail!("[serve] head_max ({head}) is too little: at least {least}");
    }
    if serve.connections_max <= listeners {
        let most = serve.connections_max;
        bail!(
            "[serve] connections_max ({most}) is too little: each listener holds one ready, and there are {listeners}"
        );
    }
    Ok(())
}

/// hyper takes no smaller buffer.
const HEAD_BYTES_MIN: usize = 8 << 10;

/// Whoever may drop a file must not reach the state: it holds compiled code.
fn check_apart(apps: &Path, state: &Path) -> anyhow::Result<()> {
    if surroundings::real_path(state).starts_with(surroundings::real_path(apps)) {
        bail!(
            "the state directory `{}` lies inside the apps folder `{}`: choose another with --state",
            state.display(),
            apps.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;

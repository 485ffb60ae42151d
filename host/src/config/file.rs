//! The operator's configuration file: what may stand in it, and where that goes.
//!
//! Every key is optional. A relative path is meant from the file's own folder.

use std::num::NonZeroU32;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::anyhow;
use guesthouse_deploy::settings::DeploySettings;
use guesthouse_manifest::policy::Policy;
use guesthouse_outbound::host::HostSettings;
use guesthouse_outbound::trust::TrustError;
use guesthouse_outbound::trust::roots;
use guesthouse_sandbox::engine::SandboxSettings;
use guesthouse_serve::settings::ServeSettings;
use guesthouse_tls::acme::settings::Challenge;
use guesthouse_types::toml_error::explain;
use guesthouse_types::units::Size;
use guesthouse_types::units::Span;
use serde::Deserialize;

use crate::cli::values::AdminAddress;
use crate::cli::values::Door;
use crate::cli::values::HostName;
use crate::cli::values::PathRoutes;
use crate::cli::values::Proxy;
use crate::cli::values::Watch;
use crate::telemetry::LogFormat;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// `[serve]`
    pub serve: Serve,
    /// `[tls]`
    pub tls: Tls,
    /// `[deploy]`
    pub deploy: Deploy,
    /// `[sandbox]`
    pub sandbox: Sandbox,
    /// `[outbound]`
    pub outbound: Outbound,
    /// `[policy]`: what apps may ask for.
    pub policy: Option<Policy>,
    /// `[log]`
    pub log: Log,
}

/// `[serve]`: the request path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Serve {
    /// As `--listen`.
    pub listen: Vec<Door>,
    /// As `--tls-listen`.
    pub tls_listen: Vec<Door>,
    /// As `--redirect-listen`.
    pub redirect_listen: Vec<Door>,
    /// As `--trusted-proxy`.
    pub trusted_proxies: Vec<Proxy>,
    /// As `--proxy-protocol`.
    pub proxy_protocol: bool,
    /// As `--admin-listen`.
    pub admin_listen: Option<AdminAddress>,
    /// As `--domain`.
    pub domain: Option<HostName>,
    /// As `--host`.
    pub hosts: Vec<HostName>,
    /// As `--path-routes`.
    pub path_routes: Option<PathRoutes>,
    /// Threads that serve.
    pub threads: Option<NonZeroUsize>,
    /// From accept to the end of a request's head.
    pub head_timeout: Option<Span>,
    /// Silence within a request's body.
    pub body_silence: Option<Span>,
    /// How many bytes of a request's body must come in a second.
    pub body_rate_min: Option<Size>,
    /// A connection without a request.
    pub keep_alive_idle: Option<Span>,
    /// A visitor who does not read.
    pub write_idle: Option<Span>,
    /// The head with its request line.
    pub head_max: Option<Size>,
    /// Header fields in one head.
    pub fields_max: Option<NonZeroUsize>,
    /// The request target.
    pub target_max: Option<Size>,
    /// Connections open at once.
    pub connections_max: Option<NonZeroUsize>,
    /// Connections open at once from one address.
    pub connections_per_address_max: Option<NonZeroUsize>,
    /// How long requests in flight may go on after a stop.
    pub grace: Option<Span>,
    /// Whether what apps answer is compressed, unless they say.
    pub compression: Option<bool>,
}

/// `[tls]`: certificates.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// As `--tls-cert` and `--tls-key`.
    pub certificates: Vec<Certificate>,
    /// As `--tls-self-signed`.
    pub self_signed: bool,
    /// For how long browsers shall come over HTTPS only.
    pub hsts: Option<Span>,
    /// The port on which visitors reach HTTPS.
    pub port: Option<u16>,
    /// `[tls.acme]`, as `--acme`.
    pub acme: Option<Acme>,
}

/// `[tls.acme]`: certificates from an authority.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acme {
    /// As `--acme-contact`.
    pub contact: Vec<String>,
    /// As `--acme-directory`.
    pub directory: Option<String>,
    /// The certificate by which the authority's own server is trusted.
    pub root: Option<PathBuf>,
    /// How a name is proved to be ours.
    pub challenge: Challenge,
    /// Hosts that manifests may declare and get a certificate for, beside those below the domain; `*` for any text.
    pub names: Vec<String>,
}

/// One of `[tls] certificates`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The chain, the host's own certificate first.
    pub chain: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// `[deploy]`: the deploy path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deploy {
    /// As `APPS`.
    pub apps: Option<PathBuf>,
    /// As `--state`.
    pub state: Option<PathBuf>,
    /// Folders outside the apps folder that links in it may lead to.
    pub roots: Vec<PathBuf>,
    /// The secrets that a manifest may name.
    pub secrets: Option<PathBuf>,
    /// As `--watch`.
    pub watch: Option<Watch>,
    /// How long a written file must have stood still.
    pub settle: Option<Span>,
    /// How often the folder is scanned in any case.
    pub rescan: Option<Span>,
    /// How long a file must have been gone before its app is undeployed.
    pub removal_grace: Option<Span>,
    /// The largest component.
    pub component_max: Option<Size>,
    /// The most that is kept beside what is live or in standby.
    pub store_max: Option<Size>,
    /// What bodies of requests may take on the disk while they arrive.
    pub upload_buffer: Option<Size>,
    /// What responses may take on the disk that are written and not read.
    pub response_buffer: Option<Size>,
    /// `[deploy.compile]`
    pub compile: Compile,
}

/// `[deploy.compile]`: the compile children.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compile {
    /// How long one compilation may take.
    pub deadline: Option<Span>,
    /// How much address space it may use.
    pub memory_max: Option<Size>,
    /// How many may run at once.
    pub at_once: Option<NonZeroUsize>,
}

/// `[sandbox]`: what all guests together may use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// Memory of all instances together.
    pub memory_total: Option<Size>,
    /// The most memory that any one app may be given.
    pub memory_max: Option<Size>,
    /// Instances that may live at once.
    pub instances_max: Option<NonZeroU32>,
}

/// `[outbound]`: what all requests of guests to the outside have in common.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// Certificates that are trusted, as PEM, in place of the system's.
    pub roots: Option<PathBuf>,
    /// Connections of all apps together.
    pub connections_max: Option<NonZeroUsize>,
}

/// `[log]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// As `--log-format`.
    pub format: Option<LogFormat>,
    /// As `RUST_LOG`, which goes before it.
    pub filter: Option<String>,
}

impl File {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> anyhow::Result<File> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration file `{}`", path.display()))?;
        let mut file = File::parse(path, &text)?;
        let absolute = std::path::absolute(path)?;
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        file.deploy.place(folder);
        file.tls.place(folder);
        if let Some(roots) = &mut file.outbound.roots {
            *roots = folder.join(&*roots);
        }
        Ok(file)
    }

    fn parse(path: &Path, text: &str) -> anyhow::Result<File> {
        toml::from_str(text).map_err(|error| anyhow!(explain(path.display(), text, &error)))
    }
}

impl Serve {
    /// Puts what is said here over `settings`.
    pub fn apply(&self, settings: &mut ServeSettings) {
        put(&mut settings.head_timeout, self.head_timeout.map(|Span(span)| span));
        put(&mut settings.body_silence, self.body_silence.map(|Span(span)| span));
        put(&mut settings.keep_alive_idle, self.keep_alive_idle.map(|Span(span)| span));
        put(&mut settings.body_rate_min, self.body_rate_min.map(|Size(size)| size));
        put(&mut settings.write_idle, self.write_idle.map(|Span(span)| span));
        put(&mut settings.head_bytes_max, self.head_max.map(bytes));
        put(&mut settings.fields_max, self.fields_max.map(NonZeroUsize::get));
        put(&mut settings.target_bytes_max, self.target_max.map(bytes));
        put(&mut settings.connections_max, self.connections_max.map(NonZeroUsize::get));
        put(&mut settings.connections_per_address_max, self.connections_per_address_max.map(NonZeroUsize::get));
        put(&mut settings.grace, self.grace.map(|Span(span)| span));
        put(&mut settings.compression, self.compression);
    }
}

impl Tls {
    /// Puts what is said here over `settings`; where certificates come from is decided together with the flags.
    pub fn apply(&self, settings: &mut ServeSettings) {
        settings.hsts = self.hsts.map(|Span(span)| span);
        settings.https_port = self.port;
    }

    /// Makes relative paths absolute, from `folder`.
    fn place(&mut self, folder: &Path) {
        for certificate in &mut self.certificates {
            certificate.chain = folder.join(&certificate.chain);
            certificate.key = folder.join(&certificate.key);
        }
        if let Some(root) = self.acme.as_mut().and_then(|acme| acme.root.as_mut()) {
            *root = folder.join(&*root);
        }
    }
}

impl Deploy {
    /// Makes relative paths absolute, from `folder`.
    fn place(&mut self, folder: &Path) {
        let paths = self.roots.iter_mut().chain(&mut self.apps).chain(&mut self.state).chain(&mut self.secrets);
        for path in paths {
            *path = folder.join(&*path);
        }
    }

    /// Puts what is said here over `settings`; `apps`, `state` and `watch` are decided together with their flags.
    pub fn apply(&self, settings: &mut DeploySettings) {
        settings.roots.clone_from(&self.roots);
        if self.secrets.is_some() {
            settings.secrets.clone_from(&self.secrets);
        }
        put(&mut settings.settle, self.settle.map(|Span(span)| span));
        put(&mut settings.rescan, self.rescan.map(|Span(span)| span));
        put(&mut settings.removal_grace, self.removal_grace.map(|Span(span)| span));
        put(&mut settings.component_bytes_max, self.component_max.map(|Size(size)| size));
        put(&mut settings.store_bytes_max, self.store_max.map(|Size(size)| size));
        put(&mut settings.upload_bytes_max, self.upload_buffer.map(|Size(size)| size));
        put(&mut settings.response_bytes_max, self.response_buffer.map(|Size(size)| size));
        put(&mut settings.compile.deadline, self.compile.deadline.map(|Span(span)| span));
        put(&mut settings.compile.memory_bytes_max, self.compile.memory_max.map(|Size(size)| size));
        put(&mut settings.compile.at_once, self.compile.at_once.map(NonZeroUsize::get));
    }
}

impl Sandbox {
    /// Puts what is said here over `settings`.
    pub fn apply(&self, settings: &mut SandboxSettings) {
        put(&mut settings.memory_total_bytes_max, self.memory_total.map(|Size(size)| size));
        // The default must not stand above a lower total that was asked for.
        settings.memory_bytes_max = settings.memory_bytes_max.min(settings.memory_total_bytes_max);
        put(&mut settings.memory_bytes_max, self.memory_max.map(|Size(size)| size));
        put(&mut settings.instances_max, self.instances_max.map(NonZeroU32::get));
    }
}

impl Outbound {
    /// Puts what is said here over `settings`. Certificates are looked at, so that a mistake is told at the start.
    pub fn apply(&self, settings: &mut HostSettings) -> Result<(), TrustError> {
        if let Some(path) = &self.roots {
            roots(Some(path))?;
        }
        settings.roots.clone_from(&self.roots);
        put(&mut settings.connections_max, self.connections_max.map(NonZeroUsize::get));
        Ok(())
    }
}

fn put<T>(setting: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *setting = said;
    }
}

fn bytes(Size(size): Size) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), &str>) {
        let found = File::parse("guesthouse.toml".as_ref(), text).map(|_| ()).map_err(|error| format!("{error:#}"));
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn mistakes_are_explained() {
        check("", Ok(()));
        check(
            "[serve]\nlisten = [\"*:80\"]\n\n[deploy]\nwach = \"poll\"\n",
            Err("guesthouse.toml:5: unknown key `wach` in [deploy] (did you mean `watch`?)"),
        );
        check("[server]\n", Err("guesthouse.toml:1: unknown key `server` (did you mean `serve`?)"));
        check(
            "[log]\ncolour = true\n",
            Err("guesthouse.toml:2: unknown key `colour` in [log] (known here: format, filter)"),
        );
        check(
            "[deploy]\nwatch = \"event\"\n",
            Err("guesthouse.toml:2: unknown value `event` (did you mean `events`?)"),
        );
        check(
            "[deploy.compile]\n\n\nmemory_max = \"4G\"\n",
            Err("guesthouse.toml:4: `4G` is not a size: write it as `65536`, `64KiB`, `10MB` or `1GiB`"),
        );
        check(
            "[serve]\ngrace = 10\n",
            Err("guesthouse.toml:2: invalid type: integer `10`, expected a time with its unit, such as \"30s\""),
        );
        check(
            "[serve]\nlisten = [\"80\"]\n",
            Err(
                "guesthouse.toml:2: `80` is not an address to listen on: write ADDRESS:PORT, such as `127.0.0.1:8080`, \
                 `[::1]:8080` or `*:8080`",
            ),
        );
        check(
            "[serve]\ndomain = \"http://x\"\n",
            Err("guesthouse.toml:2: `http://x` is not a host name: write it bare, such as `example.org`"),
        );
    }

    #[test]
    fn a_broken_file_names_the_line() {
        let error = File::parse("guesthouse.toml".as_ref(), "[serve]\nlisten = [\n").unwrap_err().to_string();
        assert!(error.starts_with("guesthouse.toml:"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = File::read("/nowhere/guesthouse.toml".as_ref()).unwrap_err();
        let expected =
            "cannot read the configuration file `/nowhere/guesthouse.toml`: No such file or directory (os error 2)";
        assert_eq!(format!("{error:#}"), expected);
    }
}

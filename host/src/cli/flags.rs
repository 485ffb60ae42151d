//! The commands and their flags, as clap reads them. Every flag that sets something is an environment variable as well.

#![allow(rustdoc::bare_urls, rustdoc::invalid_html_tags, reason = "the comments on flags are read in a terminal")]

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::builder::PathBufValueParser;
use clap::builder::TypedValueParser as _;
use clap_complete::Shell;
use guesthouse_builders::new::template::Template;
use guesthouse_sandbox::engine::target::Target;

use crate::cli::editor::Editor;
use crate::cli::values::AdminAddress;
use crate::cli::values::Door;
use crate::cli::values::HostName;
use crate::cli::values::PathRoutes;
use crate::cli::values::Proxy;
use crate::cli::values::ReportFormat;
use crate::cli::values::Watch;
use crate::cli::values::component_file;
use crate::telemetry::LogFormat;

/// The line of wasmtime that is built in. A test holds it against `Cargo.lock`.
macro_rules! wasmtime_line {
    () => {
        "48"
    };
}

/// Serves WebAssembly apps dropped into a folder.
///
/// `shop.wasm` in the folder answers at http://shop.localhost:8080/ and at http://localhost:8080/shop/. Copy a new file over
/// it and the next request gets the new one; remove it and it is gone.
#[derive(Debug, Parser)]
#[command(
    name = "guesthouse",
    version = concat!(env!("CARGO_PKG_VERSION"), " (wasmtime ", wasmtime_line!(), ")"),
    max_term_width = 110,
    after_help = TOP_EXAMPLES,
    after_long_help = TOP_EXAMPLES,
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a project: an app that builds, serves and has a test.
    #[command(after_help = NEW_EXAMPLES, after_long_help = NEW_EXAMPLES)]
    New(NewFlags),
    /// Prepare a project that exists: find its app, and write the one file that it lacks, if any.
    #[command(after_help = INIT_EXAMPLES, after_long_help = INIT_EXAMPLES)]
    Init(InitFlags),
    /// Serve the apps in a folder.
    #[command(after_help = SERVE_EXAMPLES, after_long_help = SERVE_EXAMPLES)]
    Serve(Box<ServeFlags>),
    /// Build apps from source, serve them on this machine, and rebuild what you edit.
    #[command(after_help = DEV_EXAMPLES, after_long_help = DEV_EXAMPLES)]
    Dev(DevFlags),
    /// Build apps from source and put them into an apps folder.
    #[command(after_help = BUILD_EXAMPLES, after_long_help = BUILD_EXAMPLES)]
    Build(BuildFlags),
    /// Check whether components would be accepted here, and if not, what to do.
    #[command(after_help = CHECK_EXAMPLES, after_long_help = CHECK_EXAMPLES)]
    Check(CheckFlags),
    /// Run a command of an app's own once, with its state and environment, such as `manage.py createsuperuser`.
    #[command(after_help = RUN_EXAMPLES, after_long_help = RUN_EXAMPLES)]
    Run(RunFlags),
    /// Check whether this machine can serve and build apps, and if not, what to do.
    #[command(after_help = DOCTOR_EXAMPLES, after_long_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorFlags),
    /// Compile native Python packages for guests, once for all apps, and hand them to others.
    #[command(after_help = WHEELS_EXAMPLES, after_long_help = WHEELS_EXAMPLES)]
    Wheels(WheelsFlags),
    /// Print what completes these commands and flags in a shell.
    #[command(after_help = COMPLETIONS_EXAMPLES, after_long_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsFlags),
    /// Write the man pages into a folder (called by what makes packages).
    #[command(hide = true)]
    Man(ManFlags),
    /// Compile one component in a process of its own (called by `serve`).
    #[command(hide = true)]
    Compile(CompileFlags),
}

const TOP_EXAMPLES: &str = "\
Examples:
  guesthouse new shop                 begin an app: it asks in which language
  guesthouse init                     is the project in this folder ready, and if not, what does it lack?
  guesthouse dev my-app               build an app in Python, JavaScript or Rust, serve it, rebuild it when it changes
  guesthouse build my-app             build it into ./apps
  guesthouse check shop.wasm          would it be taken, and if not, why?
  guesthouse doctor                   can this machine serve and build, and if not, why?
  guesthouse serve                    serve ./apps on http://127.0.0.1:8080/
  guesthouse serve /srv/apps --listen '*:80' --domain example.org

Exit codes: 0 success, 1 failed, 2 wrong usage, 130 or 143 ended at once by a second signal.";

const NEW_EXAMPLES: &str = "\
Examples:
  guesthouse new shop                            asks which template, and makes ./shop
  guesthouse new shop --template rust-gateway    does not ask
  guesthouse new --list                          what there is

The folder's name is the app's. Everything that a project needs of guesthouse is in this program and in the project: no
checkout, and a clone builds elsewhere. Each has a README.md with the commands that run, build and test it.";

const INIT_EXAMPLES: &str = "\
Examples:
  guesthouse init                               what is found here, and whether anything is missing
  guesthouse init shop --app shop.web:app       write shop/guesthouse.toml, which says where the app begins

Most projects need no file of guesthouse's: what their own tools read is enough.";

const SERVE_EXAMPLES: &str = "\
Examples:
  guesthouse serve                                   ./apps on http://127.0.0.1:8080/
  guesthouse serve /srv/apps --listen '*:80' --domain example.org
                                                     shop.wasm at http://shop.example.org/
  guesthouse serve --config /etc/guesthouse.toml     everything else, and what apps may ask for

A flag goes before its environment variable, that before the configuration file, and that before the default.
SIGTERM or Ctrl-C lets requests finish, a second one ends at once; SIGHUP reads [policy] again and looks into the folder.
RUST_LOG chooses what is logged, as in RUST_LOG=guesthouse=debug.";

const DEV_EXAMPLES: &str = "\
Examples:
  guesthouse dev my-app                    one crate
  guesthouse dev guest-apps                every app in a workspace, or in the folders below
  guesthouse dev my-app --trace-wire       and print what arrives on the wire

Apps and state are kept under ./.guesthouse/dev/. Whatever an app asks for is allowed, and error pages show inner details:
this is why `dev` listens on loopback only.";

const BUILD_EXAMPLES: &str = "\
Examples:
  guesthouse build my-app                  → ./apps/my-app.wasm
  guesthouse build guest-apps --apps /srv/apps
  guesthouse build my-app --app shop.web:create_app()
                                           a Python app whose beginning cannot be told from its files
  guesthouse build my-app --portable       for `wasmtime serve`, Spin and others too

A source is a Rust crate whose Cargo.toml has [lib] crate-type = [\"cdylib\"]; a Python app (its Procfile, Dockerfile,
.flaskenv, pyproject.toml, manage.py or wsgi.py says where it begins, or app.py, main.py or a package does that has `app`,
`application` or `create_app`); a folder whose guesthouse.toml says how it is built; or a folder with such sources in it.
Crates named bad-* are built only when they are named themselves.
Python apps need python3 with venv; tools go into ~/.cache/guesthouse/tools ($GUESTHOUSE_TOOLS) at first use.";

const RUN_EXAMPLES: &str = "\
Examples:
  guesthouse run shop -- manage.py createsuperuser     in the host that serves shop, else here
  guesthouse run shop -- flask db upgrade              a script of a package among the app's
  guesthouse run shop --dev -- manage.py shell         in the host of `guesthouse dev` in this folder
  guesthouse run shop -- manage.py dumpdata > shop.json

The command runs once, within the app's component, with the app's environment, folders and memory; requests that work on the
same state wait for it. Python apps of `guesthouse build` run files, scripts of their packages, `-m MODULE`, `-c CODE` and
`python`; any other component that exports wasi:cli/run@0.2 runs what it likes. Ctrl-C ends it. It ends as the command ends.";
const WHEELS_EXAMPLES: &str = "\
Examples:
  guesthouse wheels build pydantic-core 'orjson>=3.11'   compile these, and keep them
  guesthouse wheels export ./wheels                      what was compiled, as wheels for WASI
  guesthouse wheels import ./wheels                      keep them here: nothing is compiled any more

The build of an app compiles what it needs by itself. Rust packages need a Rust toolchain (https://rustup.rs), those in C and
C++ the headers of CPython 3.14; everything else comes from the package index at first use.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  guesthouse doctor                                 ./apps on 127.0.0.1:8080
  guesthouse doctor --config /etc/guesthouse.toml   what `serve` with this file needs
  guesthouse doctor --format json                   for scripts

It looks at folders, ports, limits, the kernel and the tools of builders, and changes nothing.
Exit codes: 0 apps can be served, 1 something is in the way, 2 wrong usage.";

const CHECK_EXAMPLES: &str = "\
Examples:
  guesthouse check shop.wasm                              under the built-in policy
  guesthouse check *.wasm --config /etc/guesthouse.toml   under the operator's, with limits and sizes from there
  guesthouse check shop.wasm --format json                for scripts

It does what `serve` does with a dropped file, up to its first instance, and forgets it again. `shop.toml` beside `shop.wasm`
is read as its manifest. A gateway app is called with a handful of requests too, and what breaks its interface is told.
Exit codes: 0 all would be accepted and keep to their interface, 1 one would not or does not, 2 wrong usage.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  guesthouse completions bash > ~/.local/share/bash-completion/completions/guesthouse
  guesthouse completions fish > ~/.config/fish/completions/guesthouse.fish
  guesthouse completions zsh > ~/.zfunc/_guesthouse      with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc

Debian's package brings them along.";

/// Where to listen, and for which hosts.
#[derive(Clone, Debug, Default, Args)]
pub struct AddressFlags {
    /// Listen here for HTTP: ADDR:PORT or unix:PATH; may be repeated. Port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "WHERE", env = "GUESTHOUSE_LISTEN", value_delimiter = ',', hide_env_values = true)]
    pub listen: Vec<Door>,

    /// Give every app a host below this domain: shop.NAME [default: localhost]
    #[arg(long, value_name = "NAME", env = "GUESTHOUSE_DOMAIN", hide_env_values = true)]
    pub domain: Option<HostName>,

    /// Serve path routes for this host too; may be repeated
    #[arg(long, value_name = "NAME", env = "GUESTHOUSE_HOST", value_delimiter = ',', hide_env_values = true)]
    pub host: Vec<HostName>,

    /// Whether /shop/ on a shared host leads to shop; auto: on until a domain or an address beyond loopback is given
    /// [default: auto]
    #[arg(long, value_name = "WHEN", env = "GUESTHOUSE_PATH_ROUTES", hide_env_values = true, verbatim_doc_comment)]
    pub path_routes: Option<PathRoutes>,
}

/// What is spoken with whom.
#[derive(Clone, Debug, Default, Args)]
pub struct EdgeFlags {
    /// Listen here for HTTPS; may be repeated [default with a certificate: 127.0.0.1:8443]
    #[arg(long, value_name = "WHERE", env = "GUESTHOUSE_TLS_LISTEN", value_delimiter = ',', hide_env_values = true)]
    pub tls_listen: Vec<Door>,

    /// Listen here for HTTP, and send everybody on to HTTPS; may be repeated
    #[arg(
        long,
        value_name = "WHERE",
        env = "GUESTHOUSE_REDIRECT_LISTEN",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub redirect_listen: Vec<Door>,

    /// A certificate with its chain (PEM), read again when it changes; may be repeated, each with its --tls-key
    #[arg(long, value_name = "FILE", env = "GUESTHOUSE_TLS_CERT", value_delimiter = ',', hide_env_values = true)]
    pub tls_cert: Vec<PathBuf>,

    /// The key of the certificate in the same place (PEM)
    #[arg(long, value_name = "FILE", env = "GUESTHOUSE_TLS_KEY", value_delimiter = ',', hide_env_values = true)]
    pub tls_key: Vec<PathBuf>,

    /// Make a certificate that nobody has signed, for work on this machine
    #[arg(long, env = "GUESTHOUSE_TLS_SELF_SIGNED", hide_env_values = true)]
    pub tls_self_signed: bool,

    /// Order certificates from an authority for --domain, --host and the hosts of apps below the domain (ACME; you agree
    /// to its terms)
    #[arg(long, env = "GUESTHOUSE_ACME", hide_env_values = true)]
    pub acme: bool,

    /// Where the authority may write to: an address for mail; may be repeated
    #[arg(long, value_name = "MAIL", env = "GUESTHOUSE_ACME_CONTACT", value_delimiter = ',', hide_env_values = true)]
    pub acme_contact: Vec<String>,

    /// Another authority than Let's Encrypt: the URL of its directory
    #[arg(long, value_name = "URL", env = "GUESTHOUSE_ACME_DIRECTORY", hide_env_values = true)]
    pub acme_directory: Option<String>,

    /// Take the word of this proxy about its visitors: an address, a network, or `unix`; may be repeated
    #[arg(long, value_name = "NET", env = "GUESTHOUSE_TRUSTED_PROXY", value_delimiter = ',', hide_env_values = true)]
    pub trusted_proxy: Vec<Proxy>,

    /// Trusted proxies begin each connection with a header of the PROXY protocol, version 2
    #[arg(long, env = "GUESTHOUSE_PROXY_PROTOCOL", hide_env_values = true)]
    pub proxy_protocol: bool,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, Args)]
pub struct LogFlags {
    /// How the log is written to stderr [default: text]
    #[arg(long, value_name = "FORMAT", env = "GUESTHOUSE_LOG_FORMAT", hide_env_values = true)]
    pub log_format: Option<LogFormat>,

    /// Log what arrives on each loopback socket, as bytes and as text (secrets masked, except in `dev`)
    #[arg(long, env = "GUESTHOUSE_TRACE_WIRE", hide_env_values = true)]
    pub trace_wire: bool,
}

/// `guesthouse new`
#[derive(Clone, Debug, Default, Args)]
pub struct NewFlags {
    /// The folder to make; its last part is the app's name
    #[arg(value_name = "FOLDER", required_unless_present = "list")]
    pub folder: Option<PathBuf>,

    /// What it begins as; asked for at a terminal when it is not given
    #[arg(long, value_name = "NAME", env = "GUESTHOUSE_TEMPLATE", hide_env_values = true)]
    pub template: Option<Template>,

    /// Print the templates, and make nothing
    #[arg(long)]
    pub list: bool,
}

/// `guesthouse init`
#[derive(Clone, Debug, Default, Args)]
pub struct InitFlags {
    /// The project's folder [default: the current one]
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,

    /// Where the app begins, if that cannot be found: module:callable, module:create_app(), or a file of JavaScript
    #[arg(long, value_name = "APP", env = "GUESTHOUSE_APP", hide_env_values = true)]
    pub app: Option<String>,
}

/// `guesthouse serve`
#[derive(Clone, Debug, Default, Args)]
pub struct ServeFlags {
    /// The folder with the apps [default: ./apps]
    #[arg(value_name = "APPS", env = "GUESTHOUSE_APPS", hide_env_values = true)]
    pub apps: Option<PathBuf>,

    /// Where to listen.
    #[command(flatten)]
    pub address: AddressFlags,

    /// What is spoken with whom.
    #[command(flatten)]
    pub edge: EdgeFlags,

    /// The operator's configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "GUESTHOUSE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// Where the host keeps what it knows [default: $STATE_DIRECTORY, else $XDG_STATE_HOME/guesthouse/<hash of APPS>]
    #[arg(long, value_name = "DIR", env = "GUESTHOUSE_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,

    /// How changes in the folder are noticed [default: auto]
    #[arg(long, value_name = "HOW", env = "GUESTHOUSE_WATCH", hide_env_values = true)]
    pub watch: Option<Watch>,

    /// Where health is asked for: ADDR:PORT, unix:PATH or off [default: unix:<state>/admin.sock]
    #[arg(long, value_name = "WHERE", env = "GUESTHOUSE_ADMIN_LISTEN", hide_env_values = true)]
    pub admin_listen: Option<AdminAddress>,

    /// What is logged.
    #[command(flatten)]
    pub log: LogFlags,
}

/// `guesthouse dev`
#[derive(Clone, Debug, Default, Args)]
pub struct DevFlags {
    /// A Rust crate or workspace, a Python app, what has a guesthouse.toml with a command, or a folder with several
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<PathBuf>,

    /// Where the app begins, instead of where it is looked for: module:callable, module:create_app(), or a file of JavaScript
    #[arg(long, value_name = "APP", env = "GUESTHOUSE_APP", hide_env_values = true)]
    pub app: Option<String>,

    /// Answer requests to the outside from this file (TOML: [["GET https://api.example.com/rates"]], status, headers, body)
    #[arg(long, value_name = "FILE", env = "GUESTHOUSE_MOCK", hide_env_values = true)]
    pub mock: Option<PathBuf>,

    /// Log every request, not only those that failed or took a second and more
    #[arg(long, env = "GUESTHOUSE_ACCESS_LOG", hide_env_values = true)]
    pub access_log: bool,

    /// At the end, put what apps have called into their manifests in this folder [without a value: ./apps]
    #[arg(
        long, value_name = "APPS", num_args = 0..=1, default_missing_value = "./apps",
        env = "GUESTHOUSE_WRITE", hide_env_values = true
    )]
    pub write: Option<PathBuf>,

    /// Leave pages as they are when their app has changed, instead of loading them again
    #[arg(long, env = "GUESTHOUSE_NO_RELOAD", hide_env_values = true)]
    pub no_reload: bool,

    /// What opens the files that error pages name, with {file}, {line} and {column}, or `off` [default: Visual Studio Code]
    #[arg(long, value_name = "URL", env = "GUESTHOUSE_EDITOR", hide_env_values = true)]
    pub editor: Option<Editor>,

    /// Where to listen.
    #[command(flatten)]
    pub address: AddressFlags,

    /// What is logged.
    #[command(flatten)]
    pub log: LogFlags,
}

/// `guesthouse build`
#[derive(Clone, Debug, Args)]
pub struct BuildFlags {
    /// A Rust crate or workspace, a Python app, what has a guesthouse.toml with a command, or a folder with several
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<PathBuf>,

    /// Where the app begins, instead of where it is looked for: module:callable, module:create_app(), or a file of JavaScript
    #[arg(long, value_name = "APP", env = "GUESTHOUSE_APP", hide_env_values = true)]
    pub app: Option<String>,

    /// The folder that the built apps are put into
    #[arg(long, value_name = "DIR", env = "GUESTHOUSE_APPS", default_value = "./apps", hide_env_values = true)]
    pub apps: PathBuf,

    /// How the result is written to stdout: nothing, or one JSON document [default: text]
    #[arg(long, value_name = "FORMAT", env = "GUESTHOUSE_FORMAT", hide_env_values = true)]
    pub format: Option<ReportFormat>,

    /// Show no progress, only what failed
    #[arg(long, short, env = "GUESTHOUSE_QUIET", hide_env_values = true)]
    pub quiet: bool,

    /// Make gateway apps that any host of wasi:http 0.2 can serve, with an adapter in the component
    #[arg(long, env = "GUESTHOUSE_PORTABLE", hide_env_values = true)]
    pub portable: bool,
}

/// `guesthouse wheels`
#[derive(Debug, Args)]
pub struct WheelsFlags {
    /// What to do with them.
    #[command(subcommand)]
    pub action: WheelsAction,
}

/// What is done with wheels.
#[derive(Debug, Subcommand)]
pub enum WheelsAction {
    /// Compile packages, and have builds take them before wheels without native code.
    Build {
        /// What to compile, as pip takes it: `orjson`, `orjson==3.13.0`
        #[arg(value_name = "PACKAGE", required = true)]
        packages: Vec<String>,
    },
    /// Copy all that was compiled into a folder.
    Export {
        /// The folder that the wheels are put into
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Take what `export` wrote into the cache.
    Import {
        /// The folder that the wheels lie in
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

/// `guesthouse check`
#[derive(Clone, Debug, Default, Args)]
pub struct CheckFlags {
    /// Components, wherever they lie
    #[arg(value_name = "FILE", required = true, value_parser = PathBufValueParser::new().try_map(component_file))]
    pub files: Vec<PathBuf>,

    /// The operator's configuration file (TOML), as for `serve`
    #[arg(long, value_name = "FILE", env = "GUESTHOUSE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// The apps folder: of a file in it, sub-folders are part of its name [default: ./apps]
    #[arg(long, value_name = "DIR", env = "GUESTHOUSE_APPS", hide_env_values = true)]
    pub apps: Option<PathBuf>,

    /// How the result is written to stdout [default: text]
    #[arg(long, value_name = "FORMAT", env = "GUESTHOUSE_FORMAT", hide_env_values = true)]
    pub format: Option<ReportFormat>,

    /// Do not call gateway apps to see whether they keep to their interface
    #[arg(long, env = "GUESTHOUSE_NO_CALLS", hide_env_values = true)]
    pub no_calls: bool,
}

/// `guesthouse doctor`
#[derive(Clone, Debug, Default, Args)]
pub struct DoctorFlags {
    /// The folder with the apps [default: ./apps]
    #[arg(value_name = "APPS", env = "GUESTHOUSE_APPS", hide_env_values = true)]
    pub apps: Option<PathBuf>,

    /// Where to listen.
    #[command(flatten)]
    pub address: AddressFlags,

    /// The operator's configuration file (TOML), as for `serve`
    #[arg(long, value_name = "FILE", env = "GUESTHOUSE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// Where the host keeps what it knows, as for `serve`
    #[arg(long, value_name = "DIR", env = "GUESTHOUSE_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,

    /// How the result is written to stdout [default: text]
    #[arg(long, value_name = "FORMAT", env = "GUESTHOUSE_FORMAT", hide_env_values = true)]
    pub format: Option<ReportFormat>,
}

/// `guesthouse run`
#[derive(Clone, Debug, Default, Args)]
pub struct RunFlags {
    /// The app, by its name: `shop` for shop.wasm
    #[arg(value_name = "APP", required = true)]
    pub app: String,

    /// The apps folder [default: ./apps]
    #[arg(long, value_name = "DIR", env = "GUESTHOUSE_APPS", hide_env_values = true)]
    pub apps: Option<PathBuf>,

    /// The operator's configuration file (TOML), as for `serve`
    #[arg(long, value_name = "FILE", env = "GUESTHOUSE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// Where the host keeps what it knows, as for `serve`
    #[arg(long, value_name = "DIR", env = "GUESTHOUSE_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,

    /// Where the host listens for its operator, as for `serve`
    #[arg(long, value_name = "WHERE", env = "GUESTHOUSE_ADMIN_LISTEN", hide_env_values = true)]
    pub admin_listen: Option<AdminAddress>,

    /// In the host of `guesthouse dev` in this folder
    #[arg(long, env = "GUESTHOUSE_DEV", hide_env_values = true, conflicts_with_all = ["config", "state", "apps"])]
    pub dev: bool,

    /// The command and its arguments, after `--`
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<String>,
}

/// `guesthouse completions`
#[derive(Clone, Debug, Args)]
pub struct CompletionsFlags {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `guesthouse man`
#[derive(Clone, Debug, Args)]
pub struct ManFlags {
    /// The folder that the pages are put into; it is made if it is not there
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// `guesthouse compile`: read by the deploy path's `Command`, not by people.
#[derive(Clone, Debug, Args)]
pub struct CompileFlags {
    /// For which engine.
    #[arg(long)]
    pub target: Target,
    /// The component.
    #[arg(long)]
    pub input: PathBuf,
    /// Where the artefact goes.
    #[arg(long)]
    pub output: PathBuf,
    /// The component is a runtime of ours: its functions are compiled for all apps, and the output is a pack of them.
    #[arg(long)]
    pub runtime: bool,
    /// A pack of functions that apps share.
    #[arg(long)]
    pub shared: Vec<PathBuf>,
    /// The pack of an earlier revision of the same app.
    #[arg(long)]
    pub earlier: Option<PathBuf>,
    /// Where the pack for its next revision goes.
    #[arg(long)]
    pub later: Option<PathBuf>,
    /// Address space that this process may use.
    #[arg(long)]
    pub memory_bytes_max: u64,
    /// CPU time that this process may use.
    #[arg(long)]
    pub cpu_seconds_max: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn clap_finds_no_mistake() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_is_an_environment_variable_too() {
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            for flag in command.get_arguments().filter(|flag| !flag.is_positional()) {
                let long = flag.get_long().unwrap();
                // What is asked once, and would change what a command does if it stood in the environment.
                if long == "list" {
                    assert_eq!(flag.get_env(), None);
                    continue;
                }
                let expected = format!("GUESTHOUSE_{}", long.to_uppercase().replace('-', "_"));
                let found = flag.get_env().and_then(|name| name.to_str());
                assert_eq!(found, Some(expected.as_str()), "{} --{long}", command.get_name());
            }
        }
    }

    #[test]
    fn the_version_names_the_line_of_wasmtime() {
        let version = Cli::command().render_version();
        assert_eq!(version, format!("guesthouse {} (wasmtime 48)\n", env!("CARGO_PKG_VERSION")));
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(concat!("name = \"wasmtime\"\nversion = \"", wasmtime_line!(), ".")));
    }

    #[test]
    fn help_shows_commands_and_examples_but_not_the_compile_child() {
        let help = Cli::command().render_help().to_string();
        for part in ["new", "serve", "dev", "build", "Examples:", "guesthouse dev my-app", "Exit codes: 0"] {
            assert!(help.contains(part), "`{part}` is not in\n{help}");
        }
        assert!(!help.contains("compile"), "{help}");
    }

    #[test]
    fn help_of_serve_names_the_defaults() {
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("serve").unwrap().render_help().to_string();
        // Where the lines are broken depends on the terminal.
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts =
            ["default: ./apps", "default: 127.0.0.1:8080", "env: GUESTHOUSE_LISTEN", "$STATE_DIRECTORY", "SIGHUP"];
        for part in parts {
            assert!(help.contains(part), "`{part}` is not in\n{help}");
        }
    }

    #[test]
    fn wrong_usage_is_two() {
        let serve = &["guesthouse", "serve", "--listen", "80"];
        let check = &["guesthouse", "check", "-"];
        for wrong in [
            &["guesthouse", "serv"][..],
            &["guesthouse", "new"],
            &["guesthouse", "dev"],
            serve,
            &["guesthouse", "check"],
            check,
        ] {
            assert_eq!(Cli::try_parse_from(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}

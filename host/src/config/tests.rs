//! What is meant by what was typed.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser as _;
use guesthouse_deploy::settings::WatchMode;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::settings::WireTrace;

use super::Config;
use crate::cli::flags::Cli;
use crate::cli::flags::Command;
use crate::config::surroundings::Surroundings;
use crate::telemetry::LogFormat;

fn meant(typed: &[&str]) -> Result<Config, String> {
    let around = Surroundings { state_home: Some("/state".into()), ..Surroundings::default() };
    let cli = Cli::try_parse_from(["guesthouse"].iter().chain(typed)).map_err(|error| error.to_string())?;
    let config = match cli.command {
        Command::Serve(flags) => Config::serve(&flags, &around),
        Command::Dev(flags) => Config::dev(&flags, "/dev/apps".as_ref(), "/dev/state".as_ref()),
        _ => return Err("not a command that serves".to_owned()),
    };
    config.map_err(|error| format!("{error:#}"))
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guesthouse.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn nothing_typed_means_the_defaults() {
    let config = meant(&["serve"]).unwrap();
    assert_eq!(config.listen, [Endpoint::http("127.0.0.1:8080".parse().unwrap())]);
    assert_eq!(config.deploy.apps, std::path::absolute("apps").unwrap());
    assert!(config.deploy.state.starts_with("/state/guesthouse"));
    assert_eq!(config.health, Some(BindAddress::Unix(config.deploy.state.join("admin.sock"))));
    assert_eq!((config.deploy.origins.domain.as_str(), config.deploy.origins.path_routes), ("localhost", true));
    assert_eq!(config.serve.grace, Duration::from_secs(10));
    assert_eq!(config.deploy.settle, Duration::from_millis(500));
    assert_eq!(config.sandbox.instances_max, 512);
    assert!(config.sandbox.memory_bytes_max <= config.sandbox.memory_total_bytes_max);
    assert_eq!(config.serve.trace_wire, None);
}

#[test]
fn the_file_goes_before_the_default_and_a_flag_before_the_file() {
    let (_folder, path) = file(
        "[serve]\nlisten = [\"127.0.0.1:1\"]\ndomain = \"file.example\"\ngrace = \"3s\"\nhead_max = \"32KiB\"\n\
         [deploy]\nwatch = \"poll\"\n[log]\nformat = \"json\"\n[sandbox]\nmemory_total = \"256MiB\"\n",
    );
    let path = path.to_str().unwrap();
    let config = meant(&["serve", "--config", path]).unwrap();
    assert_eq!(config.listen, [Endpoint::http("127.0.0.1:1".parse().unwrap())]);
    assert_eq!(config.deploy.origins.domain, "file.example");
    assert_eq!(config.serve.grace, Duration::from_secs(3));
    assert_eq!(config.serve.head_bytes_max, 32 << 10);
    assert_eq!(config.deploy.watch, WatchMode::Poll);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!((config.sandbox.memory_total_bytes_max, config.sandbox.memory_bytes_max), (256 << 20, 256 << 20));

    let flags = ["--listen", "[::1]:2", "--domain", "flag.example", "--watch", "events", "--log-format", "text"];
    let config = meant(&[&["serve", "--config", path][..], &flags].concat()).unwrap();
    assert_eq!(config.listen, [Endpoint::http("[::1]:2".parse().unwrap())]);
    assert_eq!(config.deploy.origins.domain, "flag.example");
    assert_eq!(config.deploy.watch, WatchMode::Events);
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn a_path_in_the_file_is_meant_from_its_folder() {
    let (folder, path) =
        file("[deploy]\napps = \"apps\"\nstate = \"/var/x\"\nroots = [\"more\"]\nsecrets = \"secrets\"\n");
    let deploy = meant(&["serve", "--config", path.to_str().unwrap()]).unwrap().deploy;
    assert_eq!(deploy.apps, folder.path().join("apps"));
    assert_eq!(deploy.state, Path::new("/var/x"));
    assert_eq!(deploy.roots, [folder.path().join("more")]);
    assert_eq!(deploy.secrets, Some(folder.path().join("secrets")));
}

#[test]
fn path_routes_are_on_only_while_nobody_else_can_come() {
    let path_routes = |flags: &[&str]| meant(&[&["serve"], flags].concat()).unwrap().deploy.origins.path_routes;
    assert!(path_routes(&["--listen", "127.0.0.1:0", "--listen", "[::1]:0"]));
    assert!(!path_routes(&["--listen", "127.0.0.1:0", "--listen", "*:0"]));
    // Who can reach a socket in the file system is not for us to know.
    assert!(!path_routes(&["--listen", "127.0.0.1:0", "--listen", "unix:/run/guesthouse/http.sock"]));
    assert!(!path_routes(&["--domain", "localhost"]));
    assert!(path_routes(&["--domain", "example.org", "--path-routes", "on"]));
    assert!(!path_routes(&["--path-routes", "off"]));
}

#[test]
fn state_never_lies_inside_the_apps_folder() {
    let folder = tempfile::tempdir().unwrap();
    let apps = folder.path().join("apps");
    fs::create_dir(&apps).unwrap();
    std::os::unix::fs::symlink(&apps, folder.path().join("link")).unwrap();
    let state = folder.path().join("link/.state");
    let error = meant(&["serve", apps.to_str().unwrap(), "--state", state.to_str().unwrap()]).unwrap_err();
    let expected = format!(
        "the state directory `{}` lies inside the apps folder `{}`: choose another with --state",
        state.display(),
        apps.display()
    );
    assert_eq!(error, expected);
}

#[test]
fn health_is_where_it_is_said() {
    let health = |flags: &[&str]| meant(&[&["serve"], flags].concat()).unwrap().health;
    assert_eq!(health(&["--admin-listen", "off"]), None);
    assert_eq!(health(&["--admin-listen", "unix:/run/a"]), Some(BindAddress::Unix("/run/a".into())));
    assert_eq!(health(&["--admin-listen", "[::1]:9"]), Some(BindAddress::Tcp("[::1]:9".parse().unwrap())));
    let long = format!("/tmp/{}", "x".repeat(120));
    assert_eq!(health(&["--state", &long]), None);
}

#[test]
fn dev_stays_on_loopback() {
    let error = meant(&["dev", "app", "--listen", "*:8080"]).unwrap_err();
    let expected =
        "`dev` listens on loopback only, and 0.0.0.0:8080 can be reached from outside: use `guesthouse serve`";
    assert_eq!(error, expected);
}

#[test]
fn bounds_that_let_nobody_in_are_mistakes() {
    let said = |text: &str| {
        let (_folder, path) = file(text);
        meant(&["serve", "--config", path.to_str().unwrap()]).unwrap_err()
    };
    assert_eq!(said("[serve]\nhead_max = \"1KiB\""), "[serve] head_max (1KiB) is too little: at least 8KiB");
    assert_eq!(
        said("[serve]\nconnections_max = 1"),
        "[serve] connections_max (1) is too little: each listener holds one ready, and there are 1"
    );
}

#[test]
fn serve_masks_secrets_on_the_wire() {
    assert_eq!(meant(&["serve", "--trace-wire"]).unwrap().serve.trace_wire, Some(WireTrace::Masked));
}

#[test]
fn a_share_above_the_total_is_a_mistake() {
    let (_folder, path) = file("[sandbox]\nmemory_total = \"1MiB\"\nmemory_max = \"2MiB\"\n");
    let error = meant(&["serve", "--config", path.to_str().unwrap()]).unwrap_err();
    assert_eq!(error, "[sandbox] memory_max (2MiB) is more than memory_total (1MiB)");
}

//! Apps that are written for a test, built, and served.

use std::fs;
use std::path::Path;

use tokio::process::Command;

use crate::harness::PATIENCE;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::process::Ended;
use crate::harness::process::Process;
use crate::harness::process::command;

/// `guesthouse` with its tools where other runs find them too.
pub fn guesthouse(arguments: &[&str], folder: &Path) -> Command {
    let mut command = command(arguments, folder);
    with_npm(&mut command).env("GUESTHOUSE_TOOLS", concat!(env!("CARGO_TARGET_TMPDIR"), "/tools"));
    command
}

/// npm as this machine has it, whatever `$HOME` is.
pub fn with_npm(command: &mut Command) -> &mut Command {
    let home = std::env::home_dir().unwrap_or_default();
    command.env("npm_config_userconfig", home.join(".npmrc")).env("npm_config_cache", home.join(".npm"))
}

/// Builds what is in `source` into `apps`.
pub async fn build(source: &Path, apps: &Path) -> Ended {
    let apps = apps.to_str().unwrap();
    let mut command =
        guesthouse(&["build", source.to_str().unwrap(), "--apps", apps], Path::new(env!("CARGO_TARGET_TMPDIR")));
    Process::spawn(&mut command).ended().await
}

/// A host that waits longer than others for a component of 13 MB to be compiled.
pub fn patient() -> TestHost {
    TestHost::new().config(|config| config.deploy.compile.deadline = PATIENCE)
}

/// Writes `files` into `folder`: their paths, and what is in them.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// What is said of all apps in `source`, and a host that serves them.
pub async fn served(source: &Path, apps: &[&str]) -> (String, Running) {
    let folder = source.parent().unwrap().join("apps");
    let built = build(source, &folder).await;
    assert!(built.status.success(), "{}", built.stderr);
    let mut host = patient();
    for app in apps {
        host = host.app(app, fs::read(folder.join(format!("{app}.wasm"))).unwrap());
    }
    (built.stderr, host.run().await)
}

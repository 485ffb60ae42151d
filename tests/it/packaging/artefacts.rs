//! What `packaging/build` makes of the program under test, and that it makes the same twice.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::harness::host::program;
use crate::harness::tools::has_python;
use crate::harness::within;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Where all tests keep what they fetch.
pub fn tools() -> &'static str {
    concat!(env!("CARGO_TARGET_TMPDIR"), "/tools")
}

/// Whether these programs are there, and this is root where `root` says so; a line that says so where they are not. CI has
/// installed them.
pub fn can(what: &str, programs: &[&str], root: bool) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    let is_there = |name: &&&str| folders.iter().any(|folder| folder.join(name).is_file());
    let missing: Vec<&str> = programs.iter().filter(|name| !is_there(name)).copied().collect();
    let can = missing.is_empty() && (!root || rustix::process::geteuid().is_root());
    if !can {
        eprintln!("NOT TESTED: {what}, because it needs {programs:?}, without {missing:?} (root: {root})");
        assert!(std::env::var_os("GUESTHOUSE_REQUIRE_PACKAGING").is_none(), "{what}: CI needs it");
    }
    can
}

/// Runs `packaging/build` with a stripped copy of `program`.
pub async fn build(program: &Path, dist: &Path, arguments: &[&str]) {
    let mut command = Command::new("python3");
    command.arg(root().join("packaging/build")).arg("--quick").arg("--binary").arg(program).arg("--dist").arg(dist);
    command.args(arguments).env("GUESTHOUSE_TOOLS", tools()).kill_on_drop(true);
    let output = within("the packages", command.output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The packages of the program under test, made once; `None` where Python is missing.
pub async fn dist() -> Option<&'static Path> {
    static DIST: OnceCell<PathBuf> = OnceCell::const_new();
    if !has_python().await || !can("packages", &["dpkg-deb", "umoci", "apt-get", "strip"], false) {
        return None;
    }
    let made = async {
        let dist = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaging/dist");
        let _ = fs::remove_dir_all(&dist);
        build(&program(), &dist, &["--strip"]).await;
        dist
    };
    Some(DIST.get_or_init(async || made.await).await)
}

/// The file whose name begins and ends so.
pub fn file(dist: &Path, begin: &str, end: &str) -> PathBuf {
    let names = fs::read_dir(dist).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<String> = names.filter(|name| name.starts_with(begin) && name.ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{begin}…{end}: {found:?}");
    dist.join(found.remove(0))
}

#[tokio::test]
async fn the_same_program_makes_the_same_bytes() {
    let Some(dist) = dist().await else { return };
    let again = tempfile::tempdir().unwrap();
    build(&program(), again.path(), &["--strip"]).await;
    let [first, second] = [dist, again.path()].map(|folder| fs::read_to_string(folder.join("SHA256SUMS")).unwrap());
    assert_eq!(first, second);
    assert_eq!(first.lines().count(), 7, "{first}");
}

#[tokio::test]
async fn the_tarball_brings_all_that_is_installed_by_hand() {
    let Some(dist) = dist().await else { return };
    let tarball = file(dist, "guesthouse-", ".tar.gz");
    let listed = Command::new("tar").arg("-tzf").arg(tarball).output().await.unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let parts = [
        "/bin/guesthouse",
        "/share/man/man1/guesthouse-serve.1",
        "/completions/bash/guesthouse",
        "/completions/zsh/_guesthouse",
        "/completions/fish/guesthouse.fish",
        "/systemd/guesthouse.service",
        "/guesthouse.toml",
        "/LICENSE-MIT",
        "/LICENSE-APACHE",
        "/README.md",
    ];
    for part in parts {
        assert!(listed.lines().any(|line| line.ends_with(part)), "{part}: {listed}");
    }
}

#[tokio::test]
async fn the_list_of_parts_names_the_crates_of_the_program() {
    let Some(dist) = dist().await else { return };
    let list: serde_json::Value =
        serde_json::from_slice(&fs::read(file(dist, "guesthouse-", ".cdx.json")).unwrap()).unwrap();
    assert_eq!(list["metadata"]["component"]["name"], "guesthouse");
    let names: Vec<&str> =
        list["components"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    for name in ["wasmtime", "hyper", "guesthouse-serve"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    // What tests alone need is no part of the program.
    assert!(!names.contains(&"criterion"), "{names:?}");
}

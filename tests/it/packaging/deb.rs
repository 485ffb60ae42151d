//! The package for Debian, in a system of its own that has nothing else.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

use guesthouse_test_guests as guest;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::harness::process::Ended;
use crate::harness::process::run_to_end;
use crate::packaging::artefacts::can;
use crate::packaging::artefacts::dist;
use crate::packaging::artefacts::file;
use crate::packaging::chroot::enter;
use crate::packaging::installed::assert_serves;
use crate::packaging::installed::published;
use crate::packaging::installed::run;

async fn in_system(root: &Path, arguments: &[&str]) -> Ended {
    let ended = run_to_end(&mut enter(root, "root:root", arguments)).await;
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    ended
}

/// Debian, of the release that tests run on: made once, and copied for each test.
async fn system() -> Option<TempDir> {
    static BASE: OnceCell<PathBuf> = OnceCell::const_new();
    if !can("the package for Debian, installed", &["debootstrap", "unshare", "chroot"], true) {
        return None;
    }
    let base = BASE.get_or_init(bootstrapped).await;
    let system = tempfile::tempdir().unwrap();
    run("cp", &["-a", &format!("{}/.", base.display()), &system.path().display().to_string()], Path::new("/")).await;
    Some(system)
}

async fn bootstrapped() -> PathBuf {
    let about = fs::read_to_string("/etc/os-release").unwrap();
    let suite = about.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap();
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("packaging/debian-{suite}"));
    if !base.exists() {
        let half = base.with_extension("half");
        let _ = fs::remove_dir_all(&half);
        fs::create_dir_all(&half).unwrap();
        let half_text = half.display().to_string();
        run("debootstrap", &["--variant=minbase", "--include=adduser", suite, &half_text], Path::new("/")).await;
        fs::rename(half, &base).unwrap();
    }
    base
}

#[tokio::test]
async fn the_package_for_debian_is_installed_serves_as_its_user_and_is_purged() {
    let Some(dist) = dist().await else { return };
    let Some(system) = system().await else { return };
    let root = system.path();
    fs::copy(file(dist, "guesthouse_", ".deb"), root.join("guesthouse.deb")).unwrap();
    in_system(root, &["dpkg", "--install", "/guesthouse.deb"]).await;

    let user = in_system(root, &["getent", "passwd", "guesthouse"]).await.stdout;
    assert!(user.ends_with(":/var/lib/guesthouse:/usr/sbin/nologin\n"), "{user}");
    let state = fs::metadata(root.join("var/lib/guesthouse")).unwrap();
    assert_eq!((state.uid().to_string().as_str(), state.mode() & 0o7777), (user.split(':').nth(2).unwrap(), 0o700));
    let unit = fs::read_to_string(root.join("usr/lib/systemd/system/guesthouse.service")).unwrap();
    assert!(unit.contains("User=guesthouse\n") && !unit.contains("DynamicUser"), "{unit}");
    let settings = in_system(root, &["dpkg-query", "--show", "--showformat=${Conffiles}", "guesthouse"]).await.stdout;
    assert!(settings.contains(" /etc/guesthouse.toml "), "{settings}");

    // What the unit starts, as its user.
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let more = ["--state", "/var/lib/guesthouse", "--listen", "127.0.0.1:0"];
    let start: Vec<&str> = start.split_whitespace().chain(more).collect();
    fs::write(root.join("srv/apps/hello.wasm"), guest::bytes(guest::HELLO)).unwrap();
    let serving = published(&mut enter(root, "guesthouse:guesthouse", &start)).await;
    let about = fs::read_to_string(format!("/proc/{}/status", serving.host.pid())).unwrap();
    let uid = format!("Uid:\t{}\t", state.uid());
    assert!(about.contains(&uid), "{about}");
    assert_serves(serving, "hello.example.org", "/").await;

    in_system(root, &["dpkg", "--purge", "guesthouse"]).await;
    for gone in ["usr/bin/guesthouse", "etc/guesthouse.toml", "var/lib/guesthouse"] {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    assert!(root.join("srv/apps/hello.wasm").exists(), "apps are the operator's");
}

#[tokio::test]
async fn lintian_finds_nothing_in_the_package_for_debian() {
    let Some(dist) = dist().await else { return };
    if !can("the package for Debian by lintian", &["lintian"], false) {
        return;
    }
    let package = file(dist, "guesthouse_", ".deb").display().to_string();
    let arguments = ["--allow-root", "--fail-on", "error,warning", "--info", &package];
    run("lintian", &arguments, Path::new("/")).await;
}

/// The units as the package has them.
pub async fn unpacked() -> Option<TempDir> {
    let dist = dist().await?;
    let folder = tempfile::tempdir().unwrap();
    let package = file(dist, "guesthouse_", ".deb").display().to_string();
    run("dpkg-deb", &["-x", &package, &folder.path().display().to_string()], Path::new("/")).await;
    Some(folder)
}

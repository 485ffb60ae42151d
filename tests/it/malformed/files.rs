//! What lies under an app's name, and is no file that can be read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::Mode;
use serde_json::Value;

use crate::harness::folder::AppsFolder;
use crate::harness::host::TestHost;
use crate::harness::process::Ended;
use crate::harness::process::command_behind;
use crate::harness::within;
use crate::malformed::drops::Drops;

/// Puts everything that is no file into a folder. Each with what is said of it.
fn fill(folder: &AppsFolder) -> Vec<(&'static str, &'static str)> {
    let file = |name: &str| folder.file(&format!("{name}.wasm"));
    let mut made = vec![
        ("pipe", "not a regular file but a pipe"),
        ("socket", "not a regular file but a socket"),
        ("folder", "not a regular file but a folder"),
        ("dangling", "a link that leads nowhere"),
        ("loop", "cannot be looked at: Too many levels of symbolic links"),
        ("loop-one", "cannot be looked at: Too many levels of symbolic links"),
        ("loop-two", "cannot be looked at: Too many levels of symbolic links"),
        ("device-link", "a link that leads out of the apps folder, to `/dev/zero`"),
        ("out", "a link that leads out of the apps folder, to `/etc/passwd`"),
        ("to-folder", "not a regular file but a folder"),
    ];
    rustix::fs::mkfifoat(CWD, file("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    drop(UnixListener::bind(file("socket")).unwrap());
    fs::create_dir(file("folder")).unwrap();
    symlink("nowhere", file("dangling")).unwrap();
    symlink("loop.wasm", file("loop")).unwrap();
    symlink("loop-two.wasm", file("loop-one")).unwrap();
    symlink("loop-one.wasm", file("loop-two")).unwrap();
    symlink("/dev/zero", file("device-link")).unwrap();
    symlink("/etc/passwd", file("out")).unwrap();
    symlink("folder.wasm", file("to-folder")).unwrap();
    // The numbers of /dev/zero. Whoever may not make devices has none in the folder either.
    let zero = rustix::fs::makedev(1, 5);
    match rustix::fs::mknodat(CWD, file("device"), FileType::CharacterDevice, Mode::RUSR, zero) {
        Ok(()) => made.push(("device", "not a regular file but a device")),
        Err(error) => println!("no device can be made here ({error}): that case was left out"),
    }
    made
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_and_never_opened() {
    let host = TestHost::new();
    let made = fill(&host.apps);
    // There from the start: whoever waited for the other end of a pipe would never be ready.
    let mut drops = Drops::run(host).await;
    for (name, expected) in &made {
        let why = drops.host.until_state(name, AppState::Refused).await;
        assert!(why.starts_with(expected), "{name}: {why}");
    }
    // It is replaced by a good one, and is taken.
    fs::remove_file(drops.host.apps.file("pipe.wasm")).unwrap();
    drops.host.drop_in("pipe", guest::bytes(guest::HELLO)).await;
    drops.swap().await;
}

#[tokio::test]
async fn what_turns_into_no_file_leaves_the_revision_that_serves() {
    let mut drops = Drops::run(TestHost::new().app("pipe", guest::bytes(guest::HELLO))).await;
    let other = drops.host.apps.file(".other");
    rustix::fs::mkfifoat(CWD, &other, Mode::RUSR).unwrap();
    fs::rename(&other, drops.host.apps.file("pipe.wasm")).unwrap();
    drops.host.until_state("pipe", AppState::Refused).await;
    assert!(drops.host.get("/pipe/").await.text().contains("<h1>hello</h1>"));
    drops.swap().await;
}

#[tokio::test]
async fn a_maze_of_links_keeps_no_app_from_being_swapped() {
    let mut drops = Drops::run(TestHost::new()).await;
    let rooms: Vec<_> = (0..8).map(|number| drops.host.apps.file(&format!("maze/room-{number}"))).collect();
    for room in &rooms {
        fs::create_dir_all(room).unwrap();
    }
    for (from, to) in rooms.iter().flat_map(|from| rooms.iter().map(move |to| (from, to))) {
        symlink(to, from.join(to.file_name().unwrap())).unwrap();
    }
    for _ in 0..2 {
        drops.swap().await;
    }
    drops.host.drop_in("api/users", guest::bytes(guest::HELLO)).await;
    drops.check_good().await;
}

#[tokio::test]
async fn check_says_the_same_of_what_is_no_file() {
    let home = tempfile::tempdir().unwrap();
    let made = fill(&AppsFolder::create(home.path().join("apps")));
    for (name, expected) in made {
        let report = checked(&command_here(&format!("apps/{name}.wasm")), home.path()).await;
        assert_eq!(report["verdict"], "refused", "{name}: {report}");
        assert!(report["why"].as_str().unwrap().starts_with(expected), "{name}: {report}");
    }
}

#[tokio::test]
async fn a_file_that_the_host_may_not_read_is_refused_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.copy_over("shop.wasm", guest::bytes(guest::HELLO));
    let path = apps.file("shop.wasm");
    // Root may read everything, but for what belongs to somebody who is unknown where it is root.
    let starter: &[&str] = if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12_345), Some(12_345)).unwrap();
        &["unshare", "-Ur"]
    } else {
        &["env"]
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let report = checked(&(starter, "apps/shop.wasm".to_owned()), home.path()).await;
    assert_eq!(report["verdict"], "refused", "{report}");
    let why = report["why"].as_str().unwrap();
    assert!(why.contains("cannot be read: Permission denied"), "{why}");
    assert!(why.ends_with("(make it readable for the host's user)"), "{why}");
}

fn command_here(path: &str) -> (&'static [&'static str], String) {
    (&["env"], path.to_owned())
}

/// What `check` says of a file, started in some way.
async fn checked((starter, path): &(&[&str], String), home: &Path) -> Value {
    let mut command = command_behind(starter, &["check", "--format", "json", path], home);
    let output = within("the program to end", command.output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ended = Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) };
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let reports: Value = serde_json::from_str(&ended.stdout).unwrap();
    reports[0].clone()
}

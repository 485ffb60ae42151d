//! The packages for npm, from their files, in an empty folder.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use rustix::process::Pid;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::process;
use crate::harness::process::command_of;
use crate::harness::process::run_to_end;
use crate::harness::tools::has_node;
use crate::packaging::artefacts::dist;
use crate::packaging::artefacts::file;
use crate::packaging::artefacts::version;
use crate::packaging::installed::assert_serves;
use crate::packaging::installed::home;
use crate::packaging::installed::run;
use crate::packaging::installed::serve;

/// A home with both packages installed, and what npm put there to be started.
async fn installed() -> Option<(TempDir, PathBuf)> {
    if !has_node().await {
        return None;
    }
    let dist = dist().await?;
    let home = home();
    let program = file(dist, "guesthouse-linux-", ".tgz").display().to_string();
    let starter = dist.join(format!("guesthouse-{}.tgz", version())).display().to_string();
    fs::write(home.path().join("package.json"), "{}").unwrap();
    let arguments = ["install", "--offline", "--no-audit", "--no-fund", &program, &starter];
    run("npm", &arguments, home.path()).await;
    let starter = home.path().join("node_modules/.bin/guesthouse");
    Some((home, starter))
}

#[tokio::test]
async fn npx_starts_the_program_and_ends_as_it_ends() {
    let Some((home, starter)) = installed().await else { return };
    let told = run("npx", &["--offline", "guesthouse", "--version"], home.path()).await.stdout;
    assert_eq!(told, process::run(&["--version"], home.path()).await.stdout);
    let wrong = run_to_end(&mut command_of("npx".as_ref(), &["--offline", "guesthouse", "serv"], home.path())).await;
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    assert_serves(serve(&starter, home.path()).await, "localhost", "/hello/").await;
}

/// The only child of a process.
fn child_of(pid: u32) -> Pid {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    Pid::from_raw(children.trim().parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_program_that_is_killed_takes_its_starter_along() {
    let Some((home, starter)) = installed().await else { return };
    let serving = serve(&starter, home.path()).await;
    rustix::process::kill_process(child_of(serving.host.pid()), Signal::KILL).unwrap();
    let ended = serving.host.ended().await;
    assert_eq!(ended.status.signal(), Some(Signal::KILL.as_raw()), "{ended:?}");
}

#[tokio::test]
async fn a_machine_without_a_package_is_told_which_there_are() {
    let Some((home, starter)) = installed().await else { return };
    fs::remove_dir_all(home.path().join("node_modules/@guesthouse")).unwrap();
    let ended = run_to_end(&mut command_of(&starter, &["--version"], home.path())).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("@guesthouse/linux-x64, @guesthouse/linux-arm64"), "{ended:?}");
}

//! A program for 64-bit ARM, packaged here, and run under an emulator.
//!
//! It is built by `packaging/build --target aarch64-unknown-linux-gnu`, which takes too long for a test: this one takes what
//! lies where that put it, or what `GUESTHOUSE_TEST_AARCH64` names.

use std::path::Path;
use std::path::PathBuf;

use tokio::process::Command;

use crate::harness::process;
use crate::harness::process::command_of;
use crate::harness::process::run_to_end;
use crate::harness::tools::has_python;
use crate::packaging::artefacts::build;
use crate::packaging::artefacts::can;
use crate::packaging::artefacts::file;
use crate::packaging::artefacts::root;
use crate::packaging::artefacts::tools;
use crate::packaging::installed::assert_serves;
use crate::packaging::installed::home;
use crate::packaging::installed::published;
use crate::packaging::installed::run;

/// Has the kernel start such programs by the emulator, in a namespace of its own: also the one that compiles, which the
/// program starts itself.
const EMULATED: &str = "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc \
    && tr -d '\\n' </usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register && exec \"$@\"";

fn emulated(arguments: &[&str], folder: &Path) -> Command {
    let start = ["--user", "--map-root-user", "--mount", "sh", "-c", EMULATED, "sh"];
    let mut command = command_of(Path::new("unshare"), &[&start[..], arguments].concat(), folder);
    command.env("QEMU_LD_PREFIX", format!("{}/packaging/debian-arm64/system", tools()));
    command
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("GUESTHOUSE_TEST_AARCH64").map(PathBuf::from);
    let built = root().join("target/aarch64-unknown-linux-gnu/dist/guesthouse");
    let found = named.or_else(|| Some(built).filter(|program| program.is_file()));
    if found.is_none() {
        eprintln!("NOT TESTED: the packages for 64-bit ARM, because no program for it was built");
    }
    found
}

#[tokio::test]
async fn the_packages_for_arm_bring_a_program_that_serves() {
    let Some(program) = program() else { return };
    if !has_python().await
        || !can("the packages for 64-bit ARM", &["dpkg-deb", "umoci", "unshare", "qemu-aarch64-static"], false)
    {
        return;
    }
    let home = home();
    let dist = home.path().join("dist");
    build(&program, &dist, &[]).await;
    file(&dist, "guesthouse-", "_aarch64.whl");
    file(&dist, "guesthouse-linux-arm64-", ".tgz");
    file(&dist, "guesthouse-", "-linux-arm64.oci.tar");
    let package = file(&dist, "guesthouse_", "_arm64.deb").display().to_string();
    run("dpkg-deb", &["-x", &package, "system"], home.path()).await;

    let installed = home.path().join("system/usr/bin/guesthouse").display().to_string();
    let told = run_to_end(&mut emulated(&[&installed, "--version"], home.path())).await.stdout;
    assert_eq!(told, process::run(&["--version"], home.path()).await.stdout);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--state", "state", "--admin-listen", "off"];
    let serving = published(&mut emulated(&[&[installed.as_str()], &serve[..]].concat(), home.path())).await;
    assert_serves(serving, "localhost", "/hello/").await;
}

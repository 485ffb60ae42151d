//! The wheel, in a fresh environment, without an index.

use std::fs;

use crate::harness::host::program;
use crate::harness::process;
use crate::packaging::artefacts::dist;
use crate::packaging::artefacts::file;
use crate::packaging::installed::assert_serves;
use crate::packaging::installed::home;
use crate::packaging::installed::run;
use crate::packaging::installed::serve;

#[tokio::test]
async fn the_wheel_is_installed_serves_and_goes_without_a_trace() {
    let Some(dist) = dist().await else { return };
    let wheel = file(dist, "guesthouse-", ".whl").display().to_string();
    assert!(wheel.contains("-py3-none-manylinux_2_"), "{wheel}");

    let home = home();
    run("python3", &["-m", "venv", "venv"], home.path()).await;
    let python = home.path().join("venv/bin/python");
    let pip = ["-m", "pip", "--disable-pip-version-check", "--no-cache-dir"];
    run(&python, &[&pip[..], &["install", "--no-index", &wheel]].concat(), home.path()).await;

    let installed = home.path().join("venv/bin/guesthouse");
    let told = run(&installed, &["--version"], home.path()).await.stdout;
    assert_eq!(told, process::run(&["--version"], home.path()).await.stdout);
    assert!(home.path().join("venv/share/man/man1/guesthouse.1").is_file());
    // Stripped, and otherwise the program under test.
    assert!(fs::metadata(&installed).unwrap().len() < fs::metadata(program()).unwrap().len());
    assert_serves(serve(&installed, home.path()).await, "localhost", "/hello/").await;

    // pip removes what RECORD lists.
    run(&python, &[&pip[..], &["uninstall", "--yes", "guesthouse"]].concat(), home.path()).await;
    assert!(!installed.exists());
}

//! What some tests need of the machine, and may go without: Python and Node.js, and the registries that their builds ask.
//!
//! Where CI has found them (`GUESTHOUSE_REQUIRE_PYTHON`, `GUESTHOUSE_REQUIRE_NODE`), their absence is a failure; where it
//! has found that a registry cannot be reached (`GUESTHOUSE_WITHOUT_PYTHON`, `GUESTHOUSE_WITHOUT_NODE`), they are as good as
//! absent.

use std::process::Stdio;

use tokio::process::Command;

/// How Python is called. None, and a line that says so, where there is none.
pub async fn python() -> Option<&'static str> {
    let found = is_there("PYTHON", &["python3"]).await;
    if !found {
        eprintln!("NOT TESTED: apps in Python, because there is no python3 (Debian: apt-get install python3-venv)");
    }
    found.then_some("python3")
}

/// Whether there is Node.js with npm; a line that says so where there is not.
pub async fn has_node() -> bool {
    let found = is_there("NODE", &["node", "npm"]).await;
    if !found {
        eprintln!("NOT TESTED: apps in JavaScript, because there is no Node.js with npm (Debian: apt-get install npm)");
    }
    found
}

async fn is_there(name: &str, programs: &[&str]) -> bool {
    if std::env::var_os(format!("GUESTHOUSE_WITHOUT_{name}")).is_some() {
        return false;
    }
    let mut found = true;
    for program in programs {
        let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        found &= asked.is_ok_and(|status| status.success());
    }
    let required = std::env::var_os(format!("GUESTHOUSE_REQUIRE_{name}")).is_some();
    assert!(found || !required, "one of {programs:?} is not there, and CI needs it");
    found
}

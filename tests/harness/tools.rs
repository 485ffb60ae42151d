//! What some tests need of the machine, and may go without: Python and Node.js, and the registries that their builds ask.
//!
//! Where CI has found them (`GUESTHOUSE_REQUIRE_PYTHON`, `GUESTHOUSE_REQUIRE_NODE`), their absence is a failure; where it
//! has found that a registry cannot be reached (`GUESTHOUSE_WITHOUT_PYTHON`, `GUESTHOUSE_WITHOUT_NODE`), they are as good as
//! absent.

use std::process::Stdio;

use guesthouse_component::runtime;
use guesthouse_component::runtime::Runtime;
use tokio::process::Command;

/// Whether there is Python with what builders need of it; a line that says so where there is not.
pub async fn has_python() -> bool {
    let found = is_there("PYTHON", &[&["python3", "-c", "import ensurepip, venv"]]).await;
    if !found {
        eprintln!("NOT TESTED: apps in Python, because there is no python3 (Debian: apt-get install python3-venv)");
    }
    found
}

/// Whether there is Node.js with npm; a line that says so where there is not.
pub async fn has_node() -> bool {
    let found = is_there("NODE", &[&["node", "--version"], &["npm", "--version"]]).await;
    if !found {
        eprintln!("NOT TESTED: apps in JavaScript, because there is no Node.js with npm (Debian: apt-get install npm)");
    }
    found
}

/// That the runtime in this component is one of those whose functions are compiled once for all apps. A builder that has
/// gone on to another one adds a line to the list.
pub fn assert_known(component: &[u8]) {
    let digest = runtime::digest_of(component).unwrap_or_default();
    let list = "host/component/src/runtimes.txt";
    let known = Runtime::recognise(component);
    assert!(known.is_some(), "this runtime is not in `{list}`: add `{digest} NAME (BUILDER VERSION)`");
}

async fn is_there(name: &str, commands: &[&[&str]]) -> bool {
    if std::env::var_os(format!("GUESTHOUSE_WITHOUT_{name}")).is_some() {
        return false;
    }
    let mut found = true;
    for command in commands {
        let mut asked = Command::new(command[0]);
        asked.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        found &= asked.status().await.is_ok_and(|status| status.success());
    }
    let required = std::env::var_os(format!("GUESTHOUSE_REQUIRE_{name}")).is_some();
    assert!(found || !required, "one of {commands:?} fails, and CI needs it");
    found
}

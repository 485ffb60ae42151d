//! The Python SDK's own tests, which need no component: a host of fakes calls the gateway.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::tools::has_python;
use crate::harness::within;

async fn check(folder: &str, arguments: &[&str]) {
    if !has_python().await {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(folder);
    let mut command = Command::new("python3");
    command.args(["-m", "unittest"]).args(arguments).current_dir(folder).stdin(Stdio::null());
    // Nothing is left in the checkout.
    let ended = within("the tests in Python", command.env("PYTHONDONTWRITEBYTECODE", "1").output()).await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_does_what_pep_3333_and_asgi_ask_of_a_server() {
    check("sdk/python", &["discover", "-s", "tests", "-t", "."]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plain_sample_has_tests_that_run_without_a_host() {
    check("guest-apps/python/wsgi", &[]).await;
}

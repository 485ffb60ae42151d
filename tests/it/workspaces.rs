//! The SDK and the guest apps are workspaces of their own: their own tests run here, so that `cargo test` runs every test.

use std::path::Path;

use tokio::process::Command;

use crate::harness::within;

async fn check(workspace: &str, packages: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet", "--target-dir", concat!(env!("CARGO_TARGET_TMPDIR"), "/native")]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    // The outer cargo's marks are not meant for this one.
    for (name, _) in std::env::vars_os() {
        let of_the_outer = name.to_str().is_some_and(|name| name.starts_with("CARGO_") && name != "CARGO_HOME");
        if of_the_outer {
            cargo.env_remove(name);
        }
    }
    let ended = within("cargo", cargo.current_dir(root.join(workspace)).kill_on_drop(true).output()).await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.contains(" passed"), "{workspace}:\n{said}\n{complained}");
}

#[tokio::test]
async fn the_rust_sdks_own_tests_pass() {
    check("sdk/rust", &["guesthouse-sdk"]).await;
}

#[tokio::test]
async fn the_adapters_own_tests_pass() {
    check("sdk/adapter", &["guesthouse-adapter"]).await;
}

#[tokio::test]
async fn keys_out_of_passwords_are_those_of_the_rfcs() {
    check("sdk/kdf", &["guesthouse-kdf"]).await;
}

#[tokio::test]
async fn the_guest_apps_own_tests_pass() {
    check("guest-apps", &["inspect", "todo"]).await;
}

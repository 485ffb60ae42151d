//! How often a component is compiled: once for each content and engine, whoever wants it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use guesthouse::deploy::status::AppState;
use guesthouse_test_guests as guest;

use crate::harness::host::TestHost;
use crate::harness::host::program;

const COPIES: usize = 40;

/// The program under test behind a script that notes each compile child in `count`.
fn counted(home: &Path) -> (PathBuf, PathBuf) {
    let (script, count) = (home.join("compiler"), home.join("children"));
    let text = format!("#!/bin/sh\necho child >> '{}'\nexec '{}' \"$@\"\n", count.display(), program().display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    (script, count)
}

/// Children that were started when forty copies of `component` are decided upon, all in `state`.
async fn children(component: Vec<u8>, state: AppState) -> usize {
    let host = TestHost::new();
    let (program, count) = counted(host.home());
    let host = host.config(move |config| config.deploy.compile.program = program).run().await;
    for copy in 0..COPIES {
        host.apps.rename_in(&format!("copy-{copy}.wasm"), &component);
    }
    host.until("all copies are decided upon", |status| {
        status.apps.len() == COPIES && status.apps.values().all(|app| app.state == state)
    })
    .await;
    fs::read_to_string(count).unwrap().lines().count()
}

#[tokio::test]
async fn forty_copies_of_a_new_component_are_compiled_once() {
    let children = children(guest::revision(1), AppState::Live).await;
    println!("{COPIES} copies, {children} compile children");
    assert_eq!(children, 1);
}

//! Names that no app can have, and names that only look odd.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use serde_json::Value;

use crate::harness::host::TestHost;
use crate::harness::process::run;
use crate::malformed::drops::Drops;

fn refused() -> Vec<OsString> {
    let mut names: Vec<OsString> = [
        "My_Shop.wasm",
        "UPPER.wasm",
        "shop.WASM",
        "with space.wasm",
        "new\nline.wasm",
        "tab\t.wasm",
        "\u{1b}[31mred.wasm",
        "käse.wasm",
        "世界.wasm",
        "\u{202e}nys.wasm",
        "-dash.wasm",
        "--config.wasm",
        "two.dots.wasm",
        "percent%2e.wasm",
        "semi;colon.wasm",
        "$(touch x).wasm",
        "back\\slash.wasm",
        "'quoted\".wasm",
        "*.wasm",
    ]
    .map(OsString::from)
    .to_vec();
    names.push(format!("{}.wasm", "a".repeat(64)).into());
    // The longest name that a file can have.
    names.push(format!("{}.wasm", "b".repeat(250)).into());
    names.push(OsString::from_vec(b"\xff\xfe.wasm".to_vec()));
    names
}

const LEFT_ALONE: [&str; 8] =
    [".wasm", "..wasm", ".hidden.wasm", "_aside.wasm", "draft.wasm~", "draft.wasm.part", "draft.wasm.tmp", "shop.wat"];

const TAKEN: [&str; 4] = ["0", "2048", "a-", "con"];

#[tokio::test]
async fn odd_names_are_refused_by_name_or_left_alone() {
    let code = guest::bytes(guest::HELLO);
    let longest = "c".repeat(63);
    let host = TestHost::new();
    for name in refused() {
        std::fs::write(host.apps.path().join(name), &code).unwrap();
    }
    for name in LEFT_ALONE {
        host.apps.copy_over(name, &code);
    }
    for name in TAKEN.into_iter().chain([longest.as_str()]) {
        host.apps.copy_over(&format!("{name}.wasm"), &code);
    }
    let mut drops = Drops::run(host).await;
    let status = drops.host.until("everything is decided on", |status| status.ready).await;
    for name in refused() {
        let app = status.apps.get(&name.display().to_string()).unwrap_or_else(|| panic!("{name:?} in {status:#?}"));
        assert_eq!(app.newest.state, AppState::Refused, "{name:?}");
        let why = app.newest.why.as_deref().unwrap();
        assert!(
            why.contains("is not an app's name") || why.contains("longer than 63") || why.contains("case"),
            "{why}"
        );
        assert!(!why.contains(['\u{1b}', '\n', '\t']), "{why:?}");
    }
    for name in TAKEN.into_iter().chain([longest.as_str()]) {
        assert_eq!(status.apps[name].newest.state, AppState::Live, "{name}");
        assert!(drops.host.get(&format!("/{name}/")).await.text().contains("<h1>hello</h1>"), "{name}");
    }
    // Those and the good one, and nothing for those that are left alone.
    assert_eq!(status.apps.len(), refused().len() + TAKEN.len() + 2, "{:#?}", status.apps.keys());
    drops.swap().await;
}

#[tokio::test]
async fn check_says_the_same_of_a_name() {
    let home = tempfile::tempdir().unwrap();
    for name in refused().into_iter().filter_map(|name| name.into_string().ok()) {
        std::fs::write(home.path().join(&name), guest::bytes(guest::HELLO)).unwrap();
        // A name that begins with a dash is named as everywhere else.
        let path = format!("./{name}");
        let ended = run(&["check", "--format", "json", &path], home.path()).await;
        assert_eq!(ended.status.code(), Some(1), "{name:?}: {}", ended.stderr);
        let reports: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(reports[0]["verdict"], "refused", "{name:?}");
        let shown = run(&["check", &path], home.path()).await;
        assert!(!shown.stdout.contains('\u{1b}'), "{name:?}: {:?}", shown.stdout);
    }
}

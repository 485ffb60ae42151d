//! Bytes without sense, components cut off, and components with a bit turned over.

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use http::StatusCode;
use serde_json::Value;

use crate::harness::host::TestHost;
use crate::harness::process::run;
use crate::malformed::drops::Drops;
use crate::malformed::parts::Dice;
use crate::malformed::parts::MODULE;
use crate::malformed::parts::PREAMBLE;
use crate::malformed::parts::boundaries;

/// Noise, with and without a beginning that makes sense.
fn noise() -> Vec<(String, Vec<u8>)> {
    let mut dice = Dice(0x6775_6573_7468_6f75);
    let mut files = Vec::new();
    for number in 0..24 {
        let length = 1 + dice.below(1 << (4 + number % 14));
        let beginning: &[u8] = [b"".as_slice(), b"\0asm", PREAMBLE, MODULE][number % 4];
        files.push((format!("noise-{number}"), [beginning, &dice.bytes(length)].concat()));
    }
    files
}

#[tokio::test]
async fn bytes_without_sense_are_refused() {
    let files = noise();
    let mut drops = Drops::run(TestHost::new()).await;
    for (app, (name, bytes)) in drops.drop_all(&files).await.iter().zip(&files) {
        assert!(matches!(app.newest.state, AppState::Refused | AppState::Pending), "{name}: {app:?} {bytes:?}");
        assert!(app.newest.why.as_ref().is_some_and(|why| !why.is_empty()), "{name}: {app:?}");
    }
}

#[tokio::test]
async fn check_says_the_same_of_bytes_without_sense() {
    let files = noise();
    let mut drops = Drops::run(TestHost::new()).await;
    let apps = drops.drop_all(&files).await;
    let home = tempfile::tempdir().unwrap();
    let names: Vec<String> = files.iter().map(|(name, _)| format!("{name}.wasm")).collect();
    for (name, (_, bytes)) in names.iter().zip(&files) {
        std::fs::write(home.path().join(name), bytes).unwrap();
    }
    let mut arguments = vec!["check", "--format", "json"];
    arguments.extend(names.iter().map(String::as_str));
    let ended = run(&arguments, home.path()).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let reports: Value = serde_json::from_str(&ended.stdout).unwrap();
    for (at, app) in apps.iter().enumerate() {
        assert_eq!(reports[at]["why"].as_str(), app.newest.why.as_deref(), "{}", names[at]);
    }
}

#[tokio::test]
async fn a_component_cut_at_the_end_of_any_section_never_serves_as_less() {
    let whole = guest::bytes(guest::HELLO);
    let mut files = Vec::new();
    for end in boundaries(&whole) {
        for end in [end, end + 1, end.saturating_sub(1)] {
            files.push((format!("cut-{end}"), whole[..end].to_vec()));
        }
    }
    files.dedup_by(|one, other| one.0 == other.0);
    assert!(files.len() > 40, "{} cuts", files.len());
    let mut drops = Drops::run(TestHost::new().app("hello", &whole)).await;
    let expected = drops.host.get("/hello/").await.text();
    for (app, (name, _)) in drops.drop_all(&files).await.iter().zip(&files) {
        match app.newest.state {
            AppState::Pending | AppState::Refused => {
                assert!(app.newest.why.as_ref().is_some_and(|why| !why.is_empty()), "{name}: {app:?}");
            }
            // Only a remark of its toolchain is missing: it is the same program.
            AppState::Live => assert_eq!(drops.host.get(&format!("/{name}/")).await.text(), expected, "{name}"),
            _ => panic!("{name}: {app:?}"),
        }
    }
}

#[tokio::test]
async fn a_bit_turned_over_harms_nobody_but_its_app() {
    let whole = guest::bytes(guest::HELLO);
    let mut dice = Dice(0x0bad_b175);
    let mut files = Vec::new();
    for number in 0..24 {
        let mut bytes = whole.clone();
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
        files.push((format!("turned-{number}-at-{at}"), bytes));
    }
    let mut drops = Drops::run(TestHost::new()).await;
    for (app, (name, _)) in drops.drop_all(&files).await.iter().zip(&files) {
        match app.newest.state {
            AppState::Pending | AppState::Refused => {
                assert!(app.newest.why.as_ref().is_some_and(|why| !why.is_empty()), "{name}: {app:?}");
            }
            // A valid program, if not the author's.
            _ => {
                let status = drops.host.get(&format!("/{name}/")).await.status;
                let allowed = [StatusCode::OK, StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT];
                assert!(status.is_client_error() || allowed.contains(&status), "{name}: {status}");
            }
        }
        drops.check_good().await;
    }
}

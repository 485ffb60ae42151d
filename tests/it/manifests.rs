//! A manifest that is away: nothing that it kept back is published meanwhile.

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;
use http::StatusCode;

use crate::harness::host::Running;
use crate::harness::host::TestHost;

/// An app with a middleware that asks for a password before it.
fn guarded() -> TestHost {
    TestHost::new()
        .app("_auth", guest::bytes(guest::AUTH_HTTP03))
        .app("shop", guest::bytes(guest::HELLO_HTTP03))
        .manifest("shop", "before = [\"_auth.wasm\"]\n")
}

fn live(host: &Running) -> Option<Revision> {
    host.deploy.status().borrow().apps.get("shop")?.serving
}

fn missed(host: &Running, had: &str) -> String {
    let file = host.apps.file("shop.toml");
    let file = file.display();
    format!(
        "its manifest `{file}` is gone, and it had {had}: waits until it is back (if the app is to serve without it, leave \
         an empty one: `touch {file}`)"
    )
}

/// As vim saves: the old file is renamed away, and a new one written.
fn take_away(host: &Running) {
    std::fs::rename(host.apps.file("shop.toml"), host.apps.file("shop.toml~")).unwrap();
}

#[tokio::test]
async fn a_manifest_that_is_away_does_not_take_the_guard_with_it() {
    let host = guarded().run().await;
    let before = live(&host);
    assert_eq!(host.get("/shop/").await.status, StatusCode::UNAUTHORIZED);
    take_away(&host);
    let why = host.until_state("shop", AppState::Pending).await;
    assert_eq!(why, missed(&host, "`before`"));
    assert_eq!((live(&host), host.get("/shop/").await.status), (before, StatusCode::UNAUTHORIZED));

    // Another component does not come around it either.
    host.apps.rename_in("shop.wasm", guest::bytes(guest::ECHO_HTTP03));
    host.drop_in("other", guest::revision(1)).await;
    assert_eq!(host.until_state("shop", AppState::Pending).await, missed(&host, "`before`"));
    assert_eq!((live(&host), host.get("/shop/").await.status), (before, StatusCode::UNAUTHORIZED));

    host.apps.copy_over("shop.toml", "before = [\"_auth.wasm\"]\n# saved\n");
    host.until_state("shop", AppState::Live).await;
    assert_ne!(live(&host), before);
    assert_eq!(host.get("/shop/").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_restart_does_not_forget_what_a_manifest_kept_back() {
    let host = guarded().run().await;
    let before = live(&host);
    // In the state directory by then.
    let (host, _) = host.stop().await;
    std::fs::remove_file(host.apps.file("shop.toml")).unwrap();
    let host = host.run().await;
    assert_eq!(host.until_state("shop", AppState::Pending).await, missed(&host, "`before`"));
    assert_eq!((live(&host), host.get("/shop/").await.status), (before, StatusCode::UNAUTHORIZED));
    host.apps.copy_over("shop.toml", "");
    host.until_live("shop", Digest::of(&guest::bytes(guest::HELLO_HTTP03))).await;
    assert_eq!(host.get("/shop/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_app_that_never_served_waits_for_its_manifest_after_a_restart_too() {
    // For another component than the one that is there.
    let manifest = format!("sha256 = \"{}\"\n", Digest::of(b"another"));
    let host = TestHost::new().app("shop", guest::revision(1)).manifest("shop", &manifest).run().await;
    host.until_state("shop", AppState::Pending).await;
    let (host, _) = host.stop().await;
    std::fs::remove_file(host.apps.file("shop.toml")).unwrap();
    let host = host.run().await;
    assert_eq!(host.until_state("shop", AppState::Pending).await, missed(&host, "`sha256`"));
    assert_eq!(host.get("/shop/").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_empty_manifest_says_that_nothing_is_asked_for() {
    let host = guarded().run().await;
    host.apps.remove("shop.toml");
    host.until_state("shop", AppState::Pending).await;
    host.apps.copy_over("shop.toml", "");
    host.until_live("shop", Digest::of(&guest::bytes(guest::HELLO_HTTP03))).await;
    assert_eq!(host.get("/shop/").await.status, StatusCode::OK);
    // That one is missed by nobody.
    host.apps.remove("shop.toml");
    host.until("it serves without a manifest", |status| {
        status.apps["shop"].newest.state == AppState::Live
            && status.apps["shop"].serving.is_some_and(|live| live.manifest.is_none())
    })
    .await;
}

#[tokio::test]
async fn an_app_that_is_gone_leaves_no_guard_behind() {
    let host = guarded().run().await;
    host.apps.remove("shop.toml");
    host.apps.remove("shop.wasm");
    host.until("it is gone", |status| !status.apps.contains_key("shop")).await;
    host.drop_in("shop", guest::bytes(guest::HELLO_HTTP03)).await;
    assert_eq!(host.get("/shop/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_manifest_that_nobody_could_read_is_missed_as_well() {
    let host = TestHost::new().app("shop", guest::revision(1)).manifest("shop", "before = [").run().await;
    host.until_state("shop", AppState::Refused).await;
    host.apps.remove("shop.toml");
    let why = host.until_state("shop", AppState::Pending).await;
    assert!(why.contains("is gone, and nobody has read what it asked for: waits"), "{why}");
}

//! What stands before an app: joined with it in one component, and one revision with it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use http::Request;
use http::StatusCode;
use http_body_util::Full;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::client::Client;
use crate::harness::client::post;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::within;

const BEFORE: &str = "before = [\"_auth.wasm\"]\n";

/// The middleware with another mark.
fn auth(number: u32) -> Vec<u8> {
    let mut bytes = guest::bytes(guest::AUTH_HTTP03);
    let mark = b"auth 0001";
    let at: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(mark)).collect();
    assert_eq!(at.len(), 1, "the mark is there once");
    bytes[at[0]..at[0] + mark.len()].copy_from_slice(format!("auth {number:04}").as_bytes());
    bytes
}

/// `echo` with the middleware before it, both in the folder from the start.
fn guarded() -> TestHost {
    TestHost::new().app("_auth", auth(1)).app("echo", guest::bytes(guest::ECHO_HTTP03)).manifest("echo", BEFORE)
}

fn knock(path: &str, body: &str) -> Request<Full<bytes::Bytes>> {
    let mut request = post(path, body.to_owned());
    request.headers_mut().insert("x-password", "sesame".parse().unwrap());
    request
}

/// The digest of what serves.
fn live(host: &Running, name: &str) -> Option<Digest> {
    host.deploy.status().borrow().apps.get(name)?.serving.map(|live| live.code)
}

/// Waits until `name` serves something else than `old`.
async fn until_another(host: &Running, name: &str, old: Option<Digest>) {
    host.until("another revision serves", |status| {
        let app = status.apps.get(name);
        app.is_some_and(|app| {
            app.newest.state == AppState::Live && app.serving.is_some() && app.serving.map(|live| live.code) != old
        })
    })
    .await;
}

#[tokio::test]
async fn only_who_knows_the_password_reaches_the_app() {
    let host = guarded().run().await;
    let reply = host.send(post("/echo/", "let me in")).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::UNAUTHORIZED, ""));
    let reply = host.send(knock("/echo/", "let me in")).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "let me in"));
    assert_eq!(reply.header("x-passed"), "auth 0001");
    // Set aside, so that it is neither an app nor a refused one.
    let status = host.deploy.status().borrow().clone();
    assert_eq!(status.apps.keys().collect::<Vec<_>>(), ["echo"]);
}

#[tokio::test]
async fn the_first_of_two_is_the_outermost() {
    let host = TestHost::new()
        .app("_outer", auth(1))
        .app("_inner", auth(2))
        .app("echo", guest::bytes(guest::ECHO_HTTP03))
        .manifest("echo", "before = [\"_outer.wasm\", \"_inner.wasm\"]\n")
        .run()
        .await;
    let reply = host.send(knock("/echo/", "hello")).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "hello"));
    let marks: Vec<_> = reply.headers.get_all("x-passed").iter().collect();
    assert_eq!(marks, ["auth 0002", "auth 0001"]);
}

#[tokio::test]
async fn a_body_streams_through_what_stands_before_the_app() {
    let host = guarded().run().await;
    let mut visitor = TcpStream::connect(host.address).await.unwrap();
    let head = "POST /echo/ HTTP/1.1\r\nhost: localhost\r\nx-password: sesame\r\ntransfer-encoding: chunked\r\n\r\n";
    visitor.write_all(format!("{head}5\r\nbegin\r\n").as_bytes()).await.unwrap();
    let mut seen = String::new();
    read_until(&mut visitor, &mut seen, "begin").await;
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    visitor.write_all(b"3\r\nend\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut visitor, &mut seen, "end").await;
    read_until(&mut visitor, &mut seen, "\r\n0\r\n\r\n").await;

    let long = "0123456789".repeat(400_000);
    assert_eq!(host.send(knock("/echo/", &long)).await.text(), long);
}

async fn read_until(visitor: &mut TcpStream, seen: &mut String, text: &str) {
    while !seen.contains(text) {
        let mut buffer = [0; 4096];
        let read = within("bytes", visitor.read(&mut buffer)).await.unwrap();
        assert!(read > 0, "the host closed before `{text}`: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_middleware_swaps_the_app_and_loses_no_request() {
    const SWAPS: u32 = 5;
    let host = guarded().run().await;
    let done = Arc::new(AtomicBool::new(false));
    let visitor = tokio::task::spawn(visit(Client::new(host.address), done.clone()));
    for number in 2..=SWAPS {
        let old = live(&host, "echo");
        host.apps.rename_in("_auth.wasm", auth(number));
        until_another(&host, "echo", old).await;
        let reply = host.send(knock("/echo/", "x")).await;
        assert_eq!(reply.header("x-passed"), format!("auth {number:04}"));
    }
    done.store(true, Ordering::SeqCst);
    let marks = visitor.await.unwrap();
    assert!(marks.len() > 20, "too few requests to show anything: {}", marks.len());
    assert!(marks.is_sorted(), "backwards: {marks:?}");
}

/// The marks of all answers, in order. Every one of them must be a good one.
async fn visit(mut client: Client, done: Arc<AtomicBool>) -> Vec<String> {
    let mut marks = Vec::new();
    while !done.load(Ordering::SeqCst) {
        let reply = client.send(knock("/echo/", "visit")).await;
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "visit"));
        marks.push(reply.header("x-passed").to_owned());
        // Visitors without a pause would leave no time for the compile child, which runs at a low priority.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    marks
}

#[tokio::test]
async fn a_middleware_that_is_not_there_yet_is_waited_for() {
    let host = TestHost::new()
        .app("api/echo", guest::bytes(guest::ECHO_HTTP03))
        .manifest("api/echo", BEFORE)
        // Beside another app, but not beside this one.
        .app("_auth", auth(1))
        .run()
        .await;
    let why = host.until_state("api/echo", AppState::Pending).await;
    assert_eq!(why, "waits for `_auth.wasm`, which is to stand before it");
    assert_eq!(host.send(knock("/api/echo/", "x")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    host.apps.rename_in("api/_auth.wasm", auth(1));
    until_another(&host, "api/echo", None).await;
    assert_eq!(host.send(post("/api/echo/", "x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(host.send(knock("/api/echo/", "x")).await.text(), "x");
}

#[tokio::test]
async fn a_broken_middleware_leaves_the_old_revision_serving() {
    let host = guarded().run().await;
    let old = live(&host, "echo");
    host.apps.rename_in("_auth.wasm", "<!doctype html>");
    let why = host.until_state("echo", AppState::Refused).await;
    assert!(why.starts_with("`_auth.wasm`, which stands before it: not WebAssembly"), "{why}");
    host.apps.rename_in("_auth.wasm", &auth(2)[..5000]);
    let why = host.until_state("echo", AppState::Pending).await;
    assert!(why.contains("the file ends after 5000 bytes"), "{why}");
    host.apps.rename_in("_auth.wasm", guest::bytes(guest::HELLO_HTTP03));
    let why = host.until_state("echo", AppState::Refused).await;
    assert!(why.starts_with("`_auth.wasm` cannot stand before it: it is no middleware"), "{why}");
    host.apps.remove("_auth.wasm");
    let why = host.until_state("echo", AppState::Pending).await;
    assert_eq!(why, "waits for `_auth.wasm`, which is to stand before it");
    assert_eq!(live(&host, "echo"), old);
    assert_eq!(host.send(post("/echo/", "x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(host.send(knock("/echo/", "x")).await.header("x-passed"), "auth 0001");
    host.apps.copy_over("_auth.wasm", auth(2));
    until_another(&host, "echo", old).await;
    assert_eq!(host.send(knock("/echo/", "x")).await.header("x-passed"), "auth 0002");
}

#[tokio::test]
async fn a_manifest_puts_a_middleware_before_an_app_and_takes_it_away() {
    let host = TestHost::new().app("_auth", auth(1)).app("echo", guest::bytes(guest::ECHO_HTTP03)).run().await;
    let alone = live(&host, "echo");
    assert_eq!(host.send(post("/echo/", "x")).await.text(), "x");
    host.apps.rename_in("echo.toml", BEFORE);
    until_another(&host, "echo", alone).await;
    assert_eq!(host.send(post("/echo/", "x")).await.status, StatusCode::UNAUTHORIZED);
    let guarded = live(&host, "echo");
    host.apps.rename_in("echo.toml", "");
    until_another(&host, "echo", guarded).await;
    assert_eq!(live(&host, "echo"), alone);
    assert_eq!(host.send(post("/echo/", "x")).await.text(), "x");
}

#[tokio::test]
async fn what_stood_before_an_app_still_does_after_a_restart() {
    let (host, _) = guarded().run().await.stop().await;
    host.apps.remove("_auth.wasm");
    let host = host.run().await;
    let why = host.until_state("echo", AppState::Pending).await;
    assert_eq!(why, "waits for `_auth.wasm`, which is to stand before it");
    assert_eq!(host.send(post("/echo/", "x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(host.send(knock("/echo/", "x")).await.text(), "x");
}

#[tokio::test]
async fn a_trap_behind_a_middleware_is_one_failed_request() {
    let host = TestHost::new()
        .app("_auth", auth(1))
        .app("misdeed", guest::bytes(guest::MISDEED_HTTP03))
        .manifest("misdeed", &format!("{BEFORE}[limits]\ncpu = \"500ms\"\n"))
        .run()
        .await;
    assert_eq!(host.send(knock("/misdeed/trap", "")).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(host.send(knock("/misdeed/loop", "")).await.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(host.send(post("/misdeed/trap", "")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_an_app_of_the_newest_lane_can_have_something_before_it() {
    let host = TestHost::new()
        .app("_auth", auth(1))
        .app("hello", guest::bytes(guest::HELLO_HTTP))
        .manifest("hello", BEFORE)
        .run()
        .await;
    let why = host.until_state("hello", AppState::Refused).await;
    assert!(why.starts_with("has `before` in its manifest, but is called through wasi:http 0.2"), "{why}");
}

//! The log: faults with their backtraces, and what guests print.

use std::path::Path;

use guesthouse_test_guests as guest;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::folder::AppsFolder;
use crate::harness::frames::ACK;
use crate::harness::frames::Frame;
use crate::harness::frames::PING;
use crate::harness::frames::Wire;
use crate::harness::process::Process;

async fn serve(home: &Path, name: &str, manifest: &str) -> (Process, Client) {
    let apps = AppsFolder::create(home.join("apps"));
    apps.rename_in(&format!("{name}.toml"), manifest);
    apps.rename_in(&format!("{name}.wasm"), guest::bytes(name));
    let mut host = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home);
    let line = host.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    host.logs(&format!("published `{name}`")).await;
    (host, Client::new(address))
}

#[tokio::test]
async fn a_fault_is_logged_with_its_trap_and_backtrace() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) = serve(home.path(), guest::BAD_TRAP, "").await;
    let page = client.get("/bad-trap/").await.text();
    assert!(!page.contains("unreachable"), "inner details on the page: {page}");
    host.logs("unreachable").await;
    // The guest's own last words, tagged with its app.
    let line = host.logs("the guest panicked on purpose").await;
    assert!(line.contains("bad-trap") || host.log().contains("bad-trap"), "{line}");
    assert!(host.log().contains("rust_panic") || host.log().contains("panic"), "no backtrace in\n{}", host.log());
}

#[tokio::test]
async fn a_fault_after_the_head_is_logged_too() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) = serve(home.path(), guest::BAD_LOOP_HTTP, "[limits]\ncpu = \"200ms\"\n").await;
    assert!(client.try_send(get("/bad-loop-http/late")).await.is_err());
    host.logs("more than its 200ms of CPU time").await;
}

#[tokio::test]
async fn a_flood_of_output_is_bounded_and_counted() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) = serve(home.path(), guest::BAD_LOG, "").await;
    assert_eq!(client.get("/bad-log/?lines=50000").await.text(), "ok\n");
    host.logs("dropped ").await;
    assert!(host.log().lines().count() < 10_000, "{} lines", host.log().lines().count());
}

/// Each of these frames is a line of h2's own.
#[tokio::test]
async fn a_flood_of_a_librarys_lines_is_bounded_and_counted() {
    const FLOOD: usize = 20_000;
    let home = tempfile::tempdir().unwrap();
    let (mut host, client) = serve(home.path(), guest::HELLO, "").await;
    let mut wire = Wire::connect(client.address).await;
    let unasked = Frame::new(PING, ACK, 0, [7; 8]);
    wire.send(&vec![unasked.clone(); FLOOD]).await.unwrap();
    // They were read when a request that follows them is answered.
    assert_eq!(wire.ask(1).await, Some(404));
    // One more, later than within the same second, says how many were left out.
    let mut stream = 3;
    while !host.log().contains("lines more than were logged here") {
        wire.send(std::slice::from_ref(&unasked)).await.unwrap();
        assert_eq!(wire.ask(stream).await, Some(404));
        stream += 2;
    }
    let lines = host.log().lines().filter(|line| line.contains("PING")).count();
    assert!(lines > 0 && lines < FLOOD / 20, "{lines} of {FLOOD}");
    host.logs("`h2::proto::ping_pong` wrote ").await;
}

#[tokio::test]
async fn what_a_guest_prints_cannot_forge_a_record() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) = serve(home.path(), guest::BAD_LOG, "").await;
    assert_eq!(client.get("/bad-log/?kind=escape").await.text(), "ok\n");
    host.logs("more bytes)").await;
    assert!(!host.log().contains('\u{1b}') && !host.log().contains('\u{7}'), "a control character in the log");
}

//! The log: faults with their backtraces, what guests print, what visitors ask for, and a reader who does not read.

use std::fs;
use std::path::Path;

use guesthouse_test_guests as guest;
use guesthouse_types::escape::acts;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::UnixStream;
use tokio::process::Child;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::folder::AppsFolder;
use crate::harness::frames::ACK;
use crate::harness::frames::Frame;
use crate::harness::frames::PING;
use crate::harness::frames::Wire;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::within;

async fn serve(home: &Path, name: &str, manifest: &str) -> (Process, Client) {
    let apps = AppsFolder::create(home.join("apps"));
    apps.rename_in(&format!("{name}.toml"), manifest);
    apps.rename_in(&format!("{name}.wasm"), guest::bytes(name));
    let mut host = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home);
    let line = host.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    host.logs(&format!("`{name}` is live")).await;
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
    no_mark(&host.log());
}

/// What breaks a line somewhere, turns text around or is not seen, with a forged record behind it.
const MARKS: &str =
    "\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}";

fn no_mark(text: &str) {
    let found: Vec<char> = text.chars().filter(|character| *character != '\n' && acts(*character)).collect();
    assert!(found.is_empty(), "{found:?} stands raw in\n{}", text.escape_debug());
}

#[tokio::test]
async fn what_a_visitor_or_a_file_name_says_forges_no_record_in_text_or_in_json() {
    for format in ["text", "json"] {
        let home = tempfile::tempdir().unwrap();
        let apps = AppsFolder::create(home.path().join("apps"));
        // No app's name, and told as such.
        apps.rename_in(&format!("x{MARKS}.wasm"), "");
        let flags = ["serve", "--listen", "127.0.0.1:0", "--state", "state", "--log-format", format];
        let mut host = Process::start(&flags, home.path());
        let line = host.says("listening on http://").await;
        let address = line.trim_start_matches("listening on http://").trim_end_matches('/').to_owned();
        host.logs("is not an app's name").await;

        let mut visitor = TcpStream::connect(address).await.unwrap();
        let target = format!("/{MARKS}06:00:00\u{a0}ERROR\u{a0}taken");
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        visitor.write_all(request.as_bytes()).await.unwrap();
        within("an answer", visitor.read_to_end(&mut Vec::new())).await.unwrap();
        host.logs("ERROR\u{a0}taken").await;
        no_mark(&host.log());
        assert!(host.log().contains("2028"), "the marks are written out:\n{}", host.log());
        if format == "json" {
            for line in host.log().lines() {
                serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            }
        }
        host.signal(Signal::TERM);
        assert!(host.ended().await.status.success());
        no_mark(&fs::read_to_string(home.path().join("state/status.json")).unwrap());
    }
}

/// Begins an upload, and breaks it off once the guest has begun to answer, or at once.
async fn break_off(address: std::net::SocketAddr, path: &str, after_head: bool) {
    let mut visitor = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000000\r\n\r\n");
    visitor.write_all(head.as_bytes()).await.unwrap();
    visitor.write_all(&[b'x'; 100_000]).await.unwrap();
    if after_head {
        within("a head", visitor.read(&mut [0; 16])).await.unwrap();
    }
    visitor.shutdown().await.unwrap();
    // A page, or the end.
    let _ = within("the end", visitor.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_no_fault_of_its_guest_and_shows_nothing_of_the_host() {
    let home = tempfile::tempdir().unwrap();
    let guests = [guest::ECHO, guest::ECHO_HTTP03, guest::ECHO_WHOLE];
    let apps = AppsFolder::create(home.path().join("apps"));
    for name in guests {
        apps.rename_in(&format!("{name}.wasm"), guest::bytes(name));
    }
    let mut host = command(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home.path());
    let mut host = Process::spawn(host.env("RUST_BACKTRACE", "1"));
    let line = host.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    for name in guests {
        host.logs(&format!("`{name}` is live")).await;
        // A gateway app answers when it has all.
        for after_head in if name == guest::ECHO_WHOLE { &[false][..] } else { &[false, true] } {
            break_off(address, &format!("/{name}/"), *after_head).await;
        }
        host.logs(&format!("POST /{name}/")).await;
    }
    host.signal(Signal::TERM);
    let log = host.ended().await.stderr;
    let told: Vec<&str> = log.lines().filter(|line| line.contains(" ERROR ") || line.contains(" WARN ")).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert!(!log.contains("outcome=cut"), "{log}");
    assert_eq!(log.matches("the request's body").count(), 5, "each is told once:\n{log}");
    // What the guest was told of it, and printed, names no function of the host's.
    for host_side in ["wasmtime_wasi", "guesthouse_sandbox", "tokio::", "std::rt"] {
        assert!(!log.contains(host_side), "{log}");
    }
}

/// A host whose log nobody reads, and its address.
async fn unread(home: &Path) -> (Child, std::net::SocketAddr) {
    let apps = AppsFolder::create(home.join("apps"));
    apps.rename_in("hello.wasm", guest::bytes(guest::HELLO));
    let health = format!("unix:{}", home.join("health").display());
    let flags = ["serve", "--listen", "127.0.0.1:0", "--state", "state", "--admin-listen", &health];
    let mut host = command(&flags, home).spawn().unwrap();
    let mut said = BufReader::new(host.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).await.unwrap();
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    // The app's line, and from then on nobody reads here either.
    while !line.contains("hello") {
        line.clear();
        within("the app", said.read_line(&mut line)).await.unwrap();
    }
    std::mem::forget(said);
    (host, address)
}

/// So many requests that the log's pipe is full, and what may wait for it too.
async fn fill(address: std::net::SocketAddr) {
    let mut client = Client::new(address);
    let path = format!("/hello/{}", "x".repeat(7000));
    for _ in 0..800 {
        assert_eq!(client.get(&path).await.status, 200);
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, address) = unread(home.path()).await;
    fill(address).await;
    // Health is answered.
    let mut asked = UnixStream::connect(home.path().join("health")).await.unwrap();
    asked.write_all(b"GET /.well-known/guesthouse/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within("health", asked.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Drops are published, and what was dropped of the log is a figure.
    AppsFolder::create(home.path().join("apps")).rename_in("second.wasm", guest::bytes(guest::HELLO));
    let dropped = within("the status", async {
        loop {
            let text = fs::read(home.path().join("state/status.json")).unwrap_or_default();
            let status: Value = serde_json::from_slice(&text).unwrap_or_default();
            if status["apps"]["second"]["newest"]["state"] == "live" {
                break status["log_lines_dropped"].as_u64().unwrap();
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(dropped > 0);
    // Who begins to read is told so.
    let mut log = BufReader::new(host.stderr.take().unwrap()).lines();
    within("the count", async {
        while !log.next_line().await.unwrap().expect("the log goes on").contains("lines of this log: nobody read it") {}
    })
    .await;
    host.start_kill().unwrap();
    host.wait().await.unwrap();
}

#[tokio::test]
async fn a_signal_ends_a_host_whose_log_nobody_reads() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, address) = unread(home.path()).await;
    fill(address).await;
    let pid = rustix::process::Pid::from_raw(host.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let status = within("the end", host.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

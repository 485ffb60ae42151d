//! Streaming both ways in the standard lanes, and back-pressure.

use guesthouse_test_guests as guest;

use crate::harness::folder::AppsFolder;
use crate::harness::host::TestHost;
use crate::harness::process::Process;
use crate::harness::visitor::Visitor;

async fn check_early(name: &str) {
    let host = TestHost::new().app("flow", guest::bytes(name)).run().await;
    let mut visitor = Visitor::connect(host.address).await;
    visitor
        .send("POST /flow/early HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n")
        .await;
    // The request is not complete, so that neither the guest can be: `early` waits for its end.
    let so_far = visitor.read_until("first\n").await;
    assert!(so_far.starts_with("HTTP/1.1 200"), "{so_far}");
    assert!(!so_far.contains("last"), "{so_far}");
    visitor.send("0\r\n\r\n").await;
    visitor.read_until("last\n").await;
    visitor.read_until("\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn the_first_byte_arrives_before_the_guest_and_even_its_visitor_have_finished() {
    check_early(guest::FLOW).await;
    check_early(guest::FLOW_HTTP03).await;
}

async fn check_handed_on_while_it_is_sent(name: &str) {
    const PIECE_BYTES: usize = 20_000;
    let host = TestHost::new().app("echo", guest::bytes(name)).run().await;
    let mut visitor = Visitor::connect(host.address).await;
    visitor.send("POST /echo/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let mut sent = Vec::new();
    for piece in 0..20_u8 {
        // The next piece is sent when the last one has come back.
        let bytes: Vec<u8> = (0..PIECE_BYTES).map(|at| (at % 251) as u8 ^ piece).collect();
        visitor.send(format!("{PIECE_BYTES:x}\r\n")).await;
        visitor.send(&bytes).await;
        visitor.send("\r\n").await;
        sent.extend(bytes);
        visitor.read_body(|body, _| body.len() >= sent.len()).await;
    }
    visitor.send("0\r\n\r\n").await;
    let body = visitor.read_body(|_, ended| ended).await;
    assert!(body == sent, "{name}: {} bytes came back, {} were sent", body.len(), sent.len());
}

#[tokio::test]
async fn a_body_that_is_handed_on_arrives_byte_for_byte_while_it_is_still_being_sent() {
    check_handed_on_while_it_is_sent(guest::ECHO).await;
    check_handed_on_while_it_is_sent(guest::ECHO_HTTP03).await;
}

async fn check_broken_request(name: &str) {
    let host = TestHost::new().app("echo", guest::bytes(name)).run().await;
    let mut visitor = Visitor::connect(host.address).await;
    visitor.send("POST /echo/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n").await;
    visitor.read_until("begin").await;
    // Not a length of a chunk: from here on the request is broken.
    visitor.send("no length\r\n").await;
    let all = visitor.read_to_end().await;
    assert!(!all.ends_with("0\r\n\r\n"), "{name}: what was broken looks whole: {all}");
}

#[tokio::test]
async fn a_request_that_breaks_off_is_no_whole_response_when_it_is_handed_on() {
    check_broken_request(guest::ECHO).await;
    check_broken_request(guest::ECHO_HTTP03).await;
}

async fn check_back_pressure(name: &str) {
    const MIB: usize = 1 << 20;
    // What may lie between guest and visitor: the sockets' buffers (a few MiB on loopback) and the host's chunks.
    const BETWEEN: usize = 24 * MIB;
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("flow.wasm", guest::bytes(name));
    apps.rename_in("flow.toml", "[limits]\nlog_lines_per_second = 1000\n");
    let mut host = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home.path());
    let line = host.says("listening on ").await;
    let address = line.rsplit('/').find(|part| !part.is_empty()).unwrap().parse().unwrap();
    host.logs("`flow` is live").await;

    let mut visitor = Visitor::connect(address).await;
    visitor.send("GET /flow/flood?bytes=134217728 HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut read = 0;
    for step in 1..=5 {
        while read < step * 10 * MIB {
            let more = visitor.read().await.len();
            assert!(more > 0, "{name}: the host closed after {read} bytes");
            read += more;
        }
        let written = host.log().matches("wrote ").count() * MIB;
        assert!(written <= read + BETWEEN, "{name}: the guest is {written} bytes on, its visitor {read}");
    }
}

#[tokio::test]
async fn a_slow_reader_holds_the_guest_back() {
    check_back_pressure(guest::FLOW).await;
    check_back_pressure(guest::FLOW_HTTP03).await;
}

#[tokio::test]
async fn a_small_answer_is_sent_whole_with_its_length() {
    let host = TestHost::new().app("hello-http", guest::bytes(guest::HELLO_HTTP)).run().await;
    let mut visitor = Visitor::connect(host.address).await;
    visitor.send("GET /hello-http/ HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let answer = visitor.read_until("hello\n").await;
    assert!(answer.contains("content-length: 6\r\n"), "{answer}");
    assert!(!answer.contains("transfer-encoding"), "{answer}");
}

#[tokio::test]
async fn a_cut_body_never_looks_whole() {
    let host = TestHost::new()
        .app("bad-loop-http", guest::bytes(guest::BAD_LOOP_HTTP))
        .manifest("bad-loop-http", "[limits]\ncpu = \"300ms\"\n")
        .run()
        .await;
    let mut visitor = Visitor::connect(host.address).await;
    visitor.send("GET /bad-loop-http/late HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let all = visitor.read_to_end().await;
    assert!(all.contains("first\n"), "{all}");
    assert!(!all.ends_with("0\r\n\r\n"), "the last chunk was sent, as if the page were whole: {all}");
}

//! Streaming both ways in the 0.2 lane, and back-pressure.

use std::net::SocketAddr;

use guesthouse_test_guests as guest;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::folder::AppsFolder;
use crate::harness::host::TestHost;
use crate::harness::process::Process;
use crate::harness::within;

#[tokio::test]
async fn the_first_byte_arrives_before_the_guest_and_even_its_visitor_have_finished() {
    let host = TestHost::new().app("flow", guest::bytes(guest::FLOW)).run().await;
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
async fn a_slow_reader_holds_the_guest_back() {
    const MIB: usize = 1 << 20;
    // What may lie between guest and visitor: the sockets' buffers (a few MiB on loopback) and the host's chunks.
    const BETWEEN: usize = 24 * MIB;
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("flow.wasm", guest::bytes(guest::FLOW));
    apps.rename_in("flow.toml", "[limits]\nlog_lines_per_second = 1000\n");
    let mut host = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home.path());
    let line = host.says("listening on ").await;
    let address = line.rsplit('/').find(|part| !part.is_empty()).unwrap().parse().unwrap();
    host.logs("published `flow`").await;

    let mut visitor = Visitor::connect(address).await;
    visitor.send("GET /flow/flood?bytes=134217728 HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut read = 0;
    for step in 1..=5 {
        while read < step * 10 * MIB {
            read += visitor.read().await.len();
        }
        let written = host.log().matches("wrote ").count() * MIB;
        assert!(written <= read + BETWEEN, "the guest is {written} bytes on, its visitor {read}");
    }
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

/// A visitor who writes and reads bytes.
struct Visitor {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Visitor {
    async fn connect(address: SocketAddr) -> Visitor {
        Visitor { stream: TcpStream::connect(address).await.unwrap(), seen: Vec::new() }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next bytes; none when the host has closed.
    async fn read(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        let read = within("bytes", self.stream.read(&mut buffer)).await.unwrap_or(0);
        buffer.truncate(read);
        buffer
    }

    /// Everything so far, once it contains `text`.
    async fn read_until(&mut self, text: &str) -> String {
        loop {
            let so_far = String::from_utf8_lossy(&self.seen).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
            let more = self.read().await;
            assert!(!more.is_empty(), "the host closed before `{text}`: {so_far}");
            self.seen.extend(more);
        }
    }

    async fn read_to_end(&mut self) -> String {
        loop {
            let more = self.read().await;
            if more.is_empty() {
                return String::from_utf8_lossy(&self.seen).into_owned();
            }
            self.seen.extend(more);
        }
    }
}

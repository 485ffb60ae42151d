//! Compressed responses: who gets one, in which coding, and what is never compressed.

use std::io::Read as _;
use std::io::Write as _;

use bytes::Bytes;
use guesthouse_test_guests as guest;
use http::Method;
use http::Request;
use http::StatusCode;
use http_body_util::Full;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::client::post;
use crate::harness::folder::AppsFolder;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::process::Process;
use crate::harness::serving::until;
use crate::harness::visitor::Visitor;
use crate::harness::visitor::unchunked;

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];

/// What can be read of a compressed text, and whether it is all of it.
fn decoded(coding: &str, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    let whole = match coding {
        "gzip" => {
            let mut decoder = flate2::write::GzDecoder::new(&mut text);
            decoder.write_all(bytes).unwrap();
            decoder.flush().unwrap();
            decoder.try_finish().is_ok()
        }
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut text).is_ok(),
        "zstd" => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut text).is_ok(),
        other => panic!("no coding of ours: {other}"),
    };
    (text, whole)
}

fn accepting(mut request: Request<Full<Bytes>>, codings: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert("accept-encoding", codings.parse().unwrap());
    request
}

async fn fields(manifest: &str) -> Running {
    TestHost::new().app("fields", guest::bytes(guest::FIELDS)).manifest("fields", manifest).run().await
}

async fn ask(host: &Running, query: &str, codings: &str) -> Reply {
    host.send(accepting(get(&format!("/fields/?{query}")), codings)).await
}

#[tokio::test]
async fn a_visitor_gets_the_coding_that_is_wanted_most() {
    let host = fields("").await;
    let plain = ask(&host, "bytes=5000", "identity").await;
    assert_eq!((plain.body.len(), plain.header("content-encoding")), (5000, ""));
    assert_eq!((plain.header("content-length"), plain.header("vary")), ("5000", "accept-encoding"));
    for (wanted, coding) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.9, zstd;q=0.1", "gzip"),
        ("*, zstd;q=0", "br"),
        ("identity;q=0, gzip;q=0.001", "gzip"),
    ] {
        let reply = ask(&host, "bytes=5000", wanted).await;
        assert_eq!(reply.header("content-encoding"), coding, "{wanted}");
        assert_eq!((reply.header("vary"), reply.header("content-length")), ("accept-encoding", ""), "{wanted}");
        assert!(reply.body.len() < 2500, "{wanted}: {} bytes", reply.body.len());
        assert_eq!(decoded(coding, &reply.body), (plain.body.to_vec(), true), "{wanted}");
    }
    for wanted in ["deflate", "gzip;q=0", "*;q=0", "identity, gzip;q=0.5", ""] {
        assert_eq!(ask(&host, "bytes=5000", wanted).await.body, plain.body, "{wanted}");
    }
}

#[tokio::test]
async fn what_must_not_change_is_not_compressed() {
    let host = fields("").await;
    for query in [
        "bytes=1000",
        "bytes=5000&fields=content-type:text/event-stream",
        "bytes=5000&fields=content-type:image/png",
        "bytes=5000&fields=cache-control:max-age=1,no-transform",
        "bytes=5000&fields=content-digest:sha-256=:x:",
        "bytes=5000&status=206&fields=content-range:bytes%200-4999/9999",
    ] {
        let reply = ask(&host, query, "gzip, br, zstd").await;
        assert_eq!((reply.header("content-encoding"), reply.header("vary")), ("", ""), "{query}");
        assert!(reply.text().starts_with("the guest: GET /"), "{query}: {reply:?}");
    }
    let own = ask(&host, "bytes=5000&fields=content-encoding:x-own", "gzip").await;
    assert_eq!((own.header("content-encoding"), own.body.len()), ("x-own", 5000));
    for (status, code) in [("204", StatusCode::NO_CONTENT), ("304", StatusCode::NOT_MODIFIED)] {
        let reply = ask(&host, &format!("bytes=5000&status={status}"), "gzip").await;
        assert_eq!((reply.status, reply.header("content-encoding"), reply.body.len()), (code, "", 0));
    }
    let clock = TestHost::new().app("clock", guest::bytes(guest::CLOCK)).run().await;
    let events = clock.send(accepting(get("/clock/events?n=2&ms=1"), "gzip, br, zstd")).await;
    assert_eq!(events.header("content-encoding"), "");
    assert_eq!(events.text().matches("data: ").count(), 2);
}

#[tokio::test]
async fn tags_become_weak_and_fields_are_merged() {
    let host = fields("").await;
    let query = "bytes=5000&fields=etag:%22a%22%7Cvary:cookie%7Caccept-ranges:bytes";
    let reply = ask(&host, query, "gzip").await;
    assert_eq!((reply.header("etag"), reply.header("vary")), ("W/\"a\"", "cookie, accept-encoding"));
    assert_eq!(reply.header("accept-ranges"), "");
    let plain = ask(&host, query, "identity").await;
    assert_eq!((plain.header("etag"), plain.header("vary")), ("\"a\"", "cookie, accept-encoding"));
    // A 304 names what the visitor has: what came compressed was weak.
    for (held, tag) in [("W/\"a\"", "W/\"a\""), ("\"a\"", "\"a\""), ("\"b\", W/\"a\"", "W/\"a\"")] {
        let mut request = accepting(get("/fields/?status=304&fields=etag:%22a%22"), "gzip");
        request.headers_mut().insert("if-none-match", held.parse().unwrap());
        let not_modified = host.send(request).await;
        assert_eq!((not_modified.header("etag"), not_modified.header("vary")), (tag, "accept-encoding"), "{held}");
    }
    let not_modified = ask(&host, "status=304&fields=etag:%22a%22", "gzip").await;
    assert_eq!((not_modified.header("etag"), not_modified.header("vary")), ("\"a\"", "accept-encoding"));
}

#[tokio::test]
async fn head_says_what_get_says() {
    let host = fields("").await;
    for query in ["bytes=5000", "bytes=100", "bytes=5000&fields=content-type:image/png"] {
        let mut replies = Vec::new();
        for method in [Method::GET, Method::HEAD] {
            let mut request = accepting(get(&format!("/fields/?{query}")), "br");
            *request.method_mut() = method;
            let mut reply = host.send(request).await;
            for ours in ["date", "x-request-id"] {
                reply.headers.remove(ours);
            }
            // What is sent in pieces has no length, and with HEAD nothing is sent.
            reply.headers.remove("transfer-encoding");
            replies.push(reply);
        }
        assert_eq!(replies[0].headers, replies[1].headers, "{query}");
        assert!(replies[1].body.is_empty());
    }
}

#[tokio::test]
async fn an_app_or_the_operator_turns_it_off() {
    let off = fields("compress = false").await;
    let reply = ask(&off, "bytes=5000", "gzip").await;
    assert_eq!((reply.header("content-encoding"), reply.header("vary"), reply.body.len()), ("", "", 5000));

    let host = TestHost::new()
        .app("fields", guest::bytes(guest::FIELDS))
        .app("wants", guest::bytes(guest::FIELDS))
        .manifest("wants", "compress = true")
        .config(|config| config.serve.compression = false)
        .run()
        .await;
    assert_eq!(ask(&host, "bytes=5000", "gzip").await.header("content-encoding"), "");
    let wanted = host.send(accepting(get("/wants/?bytes=5000"), "gzip")).await;
    assert_eq!(wanted.header("content-encoding"), "gzip");
}

async fn check_early(name: &str, coding: &str) {
    let host = TestHost::new().app("flow", guest::bytes(name)).run().await;
    let mut visitor = Visitor::connect(host.address).await;
    let head = "POST /flow/early HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n";
    visitor.send(format!("{head}accept-encoding: {coding}\r\n\r\n5\r\nbegin\r\n")).await;
    // The request is not complete, so that neither the guest can be: `early` waits for its end.
    let so_far = visitor.read_body(|body, _| decoded(coding, body).0 == b"first\n").await;
    assert!(!decoded(coding, &so_far).1, "{name} {coding}: it looks whole already");
    visitor.send("0\r\n\r\n").await;
    let all = visitor.read_body(|_, ended| ended).await;
    assert_eq!(decoded(coding, &all), (b"first\nlast\n".to_vec(), true), "{name} {coding}");
}

#[tokio::test]
async fn what_a_guest_wrote_can_be_read_before_it_writes_more() {
    for coding in CODINGS {
        check_early(guest::FLOW, coding).await;
        check_early(guest::FLOW_HTTP03, coding).await;
    }
}

#[tokio::test]
async fn beyond_so_many_compressed_bodies_the_next_one_goes_as_it_is() {
    let host = TestHost::new()
        .app("flow", guest::bytes(guest::FLOW))
        .app("fields", guest::bytes(guest::FIELDS))
        .config(|config| config.serve.encoders_max = 1)
        .run()
        .await;
    let mut slow = Visitor::connect(host.address).await;
    let head = "POST /flow/early HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n";
    slow.send(format!("{head}accept-encoding: gzip\r\n\r\n5\r\nbegin\r\n")).await;
    slow.read_body(|body, _| decoded("gzip", body).0 == b"first\n").await;

    let query = "bytes=5000&fields=etag:%22a%22";
    let next = ask(&host, query, "gzip").await;
    assert_eq!((next.header("content-encoding"), next.body.len()), ("", 5000));
    assert_eq!((next.header("etag"), next.header("vary")), ("\"a\"", "accept-encoding"));
    // What is short, or of another type, never asked for a compressor.
    assert_eq!(ask(&host, "bytes=100", "gzip").await.header("vary"), "");

    slow.send("0\r\n\r\n").await;
    let all = slow.read_body(|_, ended| ended).await;
    assert_eq!(decoded("gzip", &all), (b"first\nlast\n".to_vec(), true));
    let again = async || ask(&host, query, "gzip").await.header("content-encoding").to_owned();
    until("a compressor again", again, |coding| coding == "gzip", |_| {}).await;
}

#[tokio::test]
async fn a_long_stream_arrives_byte_for_byte() {
    let host = TestHost::new().app("echo", guest::bytes(guest::ECHO)).run().await;
    let text: Vec<u8> = (0..3_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 28) as u8 + b'a').collect();
    for coding in CODINGS {
        let mut request = accepting(post("/echo/", text.clone()), coding);
        request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        let reply = host.send(request).await;
        assert_eq!(reply.header("content-encoding"), coding);
        assert!(decoded(coding, &reply.body) == (text.clone(), true), "{coding}: {} bytes", reply.body.len());
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_looks_whole_in_no_coding() {
    let host = TestHost::new()
        .app("bad-loop-http", guest::bytes(guest::BAD_LOOP_HTTP))
        .manifest("bad-loop-http", "[limits]\ncpu = \"300ms\"\n")
        .run()
        .await;
    for coding in CODINGS {
        let mut visitor = Visitor::connect(host.address).await;
        let head = "GET /bad-loop-http/late HTTP/1.1\r\nhost: localhost\r\n";
        visitor.send(format!("{head}accept-encoding: {coding}\r\n\r\n")).await;
        let all = visitor.read_to_end().await;
        assert!(all.contains(&format!("content-encoding: {coding}\r\n")), "{all}");
        let (body, ended) = unchunked(&visitor.seen);
        assert_eq!((ended, decoded(coding, &body)), (false, (b"first\n".to_vec(), false)), "{coding}");
    }
}

#[tokio::test]
async fn the_log_counts_the_bytes_on_the_wire() {
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("fields.wasm", guest::bytes(guest::FIELDS));
    let mut host = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home.path());
    let line = host.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    host.logs("`fields` is live").await;
    let reply = Client::new(address).send(accepting(get("/fields/?bytes=9000"), "zstd")).await;
    assert!(reply.body.len() < 9000);
    let line = host.logs("GET /fields/ 200").await;
    assert!(line.contains(&format!("bytes={} ", reply.body.len())) && line.contains("whole"), "{line}");
}

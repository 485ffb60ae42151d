//! Several requests on one connection, its end, and versions (RFC 9112 sections 2.2, 2.3, 9.3, 9.6).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::conformance::case::get;
use crate::conformance::case::post;
use crate::harness::host::TestHost;

pub fn cases() -> Vec<Case> {
    let pipeline: String = (0..10).map(|at| format!("GET /{at} HTTP/1.1\r\nhost: localhost\r\n\r\n")).collect();
    let ten = (0..10).fold(case("ten requests in one packet", &pipeline), |case, at| {
        case.sees_at(at, format!("path: /{at}\n")).kept(&[200; 10])
    });
    let chunked = post("transfer-encoding: chunked\r\n", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
    let within = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let with_body = |body: &str| post(&format!("content-length: {}\r\n", body.len()), body);
    let many: String = (0..100).map(|_| get("")).collect();
    vec![
        case("one request", get("")),
        ten,
        case("a hundred requests in one packet", many).kept(&[200; 100]),
        case("three requests byte by byte", &pipeline[..3 * 39 + 3]).in_single_bytes().closed(&[200, 200, 200, 400]),
        case("a request byte by byte", get("")).in_single_bytes(),
        case("a body byte by byte", with_body("hello")).in_single_bytes().sees("body: hello\n"),
        case("chunks byte by byte", &chunked).in_single_bytes().sees("body: abcde\n"),
        case("a body, then a request", with_body("hello") + &get("")).kept(&[200, 200]).sees("body: hello\n"),
        case("chunks, then a request", chunked + &get("")).kept(&[200, 200]).sees("body: abcde\n"),
        case("a body that looks like a request", with_body(within)).sees("body: GET /smuggled"),
        case("POST, then GET, then POST", with_body("a") + &get("") + &with_body("b"))
            .kept(&[200, 200, 200])
            .sees("body: a\n")
            .sees_at(2, "body: b\n"),
        // What a visitor wants closed.
        case("a request after `close`", get("connection: close\r\n")).closed(&[200]),
        case("a request after `Close`", get("Connection: Close\r\n")).closed(&[200]),
        case("`keep-alive, close`", get("connection: keep-alive, close\r\n")).closed(&[200]),
        case("`close`, then `keep-alive`", get("connection: close\r\nconnection: keep-alive\r\n")).closed(&[200]),
        case("`close` beside a field's name", get("connection: x-mine,close\r\nx-mine: 1\r\n"))
            .closed(&[200])
            .hides("header x-mine"),
        case("`closed` is not `close`", get("connection: closed\r\n")),
        case("a body with `close`", post("connection: close\r\ncontent-length: 2\r\n", "ab"))
            .closed(&[200])
            .sees("body: ab\n"),
        // HTTP/1.0.
        case("HTTP/1.0", "GET / HTTP/1.0\r\nhost: localhost\r\n\r\n").closed(&[200]),
        case("HTTP/1.0 with `keep-alive`", "GET / HTTP/1.0\r\nhost: localhost\r\nconnection: keep-alive\r\n\r\n"),
        case("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n").closed(&[400]).deviates("http10-host"),
        case("HTTP/1.0 without Host, `keep-alive`", "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            .closed(&[400])
            .deviates("http10-host"),
        case("HTTP/1.0, a host in the target only", "GET http://localhost/ HTTP/1.0\r\n\r\n")
            .closed(&[400])
            .deviates("http10-host"),
        case("HTTP/1.0 with a body", "POST / HTTP/1.0\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nab")
            .closed(&[200])
            .sees("body: ab\n"),
        case("HTTP/1.0 without a length", "POST / HTTP/1.0\r\nhost: localhost\r\n\r\n")
            .closed(&[200])
            .sees("body-length: 0\n"),
        // Versions.
        case("HTTP/0.9", "GET /\r\n\r\n").closed(&[400]),
        case("HTTP/0.9 with a version", "GET / HTTP/0.9\r\nhost: localhost\r\n\r\n").closed(&[400]).deviates("version"),
        case("HTTP/1.2", "GET / HTTP/1.2\r\nhost: localhost\r\n\r\n").closed(&[400]).deviates("version"),
        case("HTTP/2.0", "GET / HTTP/2.0\r\nhost: localhost\r\n\r\n").closed(&[400]).deviates("version"),
        case("HTTP/9.9", "GET / HTTP/9.9\r\nhost: localhost\r\n\r\n").closed(&[400]).deviates("version"),
        case("HTTP/1.10", "GET / HTTP/1.10\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("HTTP/01.1", "GET / HTTP/01.1\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("HTTP/1", "GET / HTTP/1\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("http/1.1", "GET / http/1.1\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("HTTPS/1.1", "GET / HTTPS/1.1\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("ICE/1.0", "SOURCE / ICE/1.0\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("RTSP/1.0", "OPTIONS / RTSP/1.0\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("words after the version", "GET / HTTP/1.1 x\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("a space after the version", "GET / HTTP/1.1 \r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("a tab before the version", "GET /\tHTTP/1.1\r\nhost: localhost\r\n\r\n").closed(&[400]),
        // Where HTTP/2 could have begun.
        case("`PRI` with a path", "PRI / HTTP/1.1\r\nhost: localhost\r\n\r\n").sees("method: PRI\n"),
        case("`PRI *` in HTTP/1.1", "PRI * HTTP/1.1\r\nhost: localhost\r\n\r\n").closed(&[400]),
        case("a preface with another end", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").closed(&[400]),
        case("a preface that breaks off", "PRI * HT").left(&[]),
        case(
            "an upgrade to h2c",
            get("connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\n"),
        )
        .hides("header upgrade")
        .hides("header http2-settings"),
        case("an upgrade to a socket", get("connection: Upgrade\r\nupgrade: websocket\r\n")).hides("header upgrade"),
        case("TLS where none is", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03").closed(&[400]),
        // Empty lines.
        case("a line's end before the request", "\r\n".to_owned() + &get("")),
        case("four of them", "\r\n\r\n\r\n\r\n".to_owned() + &get("")),
        case("a line's end after a body", with_body("ab") + "\r\n" + &get("")).kept(&[200, 200]),
        case("bare line feeds before the request", "\n\n".to_owned() + &get("")),
        case("a space before the request", " ".to_owned() + &get("")).closed(&[400]),
        case("only line's ends", "\r\n\r\n").left(&[]),
        // The visitor's end.
        case("nothing", "").left(&[]),
        case("half a request line", "GET / HT").left(&[]),
        case("half a head", "GET / HTTP/1.1\r\nhost: localhost\r\n").left(&[]),
        case("half a body", post("content-length: 10\r\n", "hello")).left(&[400]),
        case("half a chunk", post("transfer-encoding: chunked\r\n", "a\r\nhello")).left(&[400]),
        case("no last chunk", post("transfer-encoding: chunked\r\n", "5\r\nhello\r\n")).left(&[400]),
        case("an end while the guest is at work", "GET /bad-never/ HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .left(&[])
            .deviates("half-close"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_serves_what_is_asked_and_ends_when_it_must() {
    let host = TestHost::new()
        .app("index", guest::bytes(guest::ENVIRON))
        .app("bad-never", guest::bytes(guest::BAD_NEVER))
        .run()
        .await;
    check("connection", host.address, cases()).await;
}

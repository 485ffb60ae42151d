//! Requests that two readers could cut in two places: the second reader's request is never answered (RFC 9112 section 11.2).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::conformance::case::post;
use crate::harness::host::TestHost;

/// What must not be answered.
const INNER: &str = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Answered so, closed, and the inner request is seen by nobody.
fn pair(what: &str, fields: &str, body: &str, statuses: &'static [u16]) -> Case {
    case(what, post(fields, body)).closed(statuses).hides("path: /smuggled")
}

pub fn cases() -> Vec<Case> {
    let empty = format!("0\r\n\r\n{INNER}");
    let hidden = format!("{:x}\r\n{INNER}\r\n0\r\n\r\n", INNER.len());
    let cl = |length: usize| format!("content-length: {length}\r\n");
    let both = |length: usize| format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n");
    let mut cases = vec![
        // Both, which RFC 9112 section 6.1 lets a server read as chunked, and then must close.
        pair("both, length first", &both(empty.len()), &empty, &[200]).sees("body-length: 0\n").hides("content-length"),
        pair("both, coding first", "transfer-encoding: chunked\r\ncontent-length: 5\r\n", &empty, &[200])
            .hides("content-length"),
        pair("both, a length of nothing", &both(0), &hidden, &[200])
            .sees("body: GET /smuggled")
            .hides("content-length"),
        pair("both, the length ends within the size", &both(4), &hidden, &[200]).hides("content-length"),
        pair(
            "both, two lengths around the coding",
            "content-length: 5\r\ntransfer-encoding: chunked\r\ncontent-length: 9\r\n",
            &empty,
            &[200],
        )
        .hides("content-length"),
        pair("both, with keep-alive", &(both(5) + "connection: keep-alive\r\n"), &empty, &[200]),
        pair("both, a length that is none", "transfer-encoding: chunked\r\ncontent-length: x\r\n", &empty, &[200]),
        pair(
            "both, a length that is none first",
            "content-length: x\r\ntransfer-encoding: chunked\r\n",
            &empty,
            &[400],
        ),
        // The coding is hidden from one of the readers.
        pair("both, a coding with a tab", &(cl(5) + "transfer-encoding:\tchunked\r\n"), &empty, &[200]),
        pair("both, a coding in capitals", &(cl(5) + "TRANSFER-ENCODING: CHUNKED\r\n"), &empty, &[200]),
        // The length is hidden from one of them.
        pair("a length in a folded line", "x: y\r\n content-length: 48\r\n", INNER, &[400]),
        pair("a length after a bare carriage return", "x: y\rcontent-length: 48\r\n", INNER, &[400]),
        pair("a length after NUL", "x: y\0\r\ncontent-length: 48\r\n", INNER, &[400]),
        pair("a length with a space before its colon", "content-length : 48\r\n", INNER, &[400]),
        pair("a length that begins with a plus", "content-length: +48\r\n", INNER, &[400]),
        pair("a length in a list", "content-length: 48, 0\r\n", INNER, &[400]),
        pair("two lengths", "content-length: 0\r\ncontent-length: 48\r\n", INNER, &[400]),
        pair("a length beyond 64 bits", "content-length: 18446744073709551664\r\n", INNER, &[400]),
        pair("a line without a colon before the length", "x\r\ncontent-length: 48\r\n", INNER, &[400]),
        pair("a field with an empty name", ": x\r\ncontent-length: 48\r\n", INNER, &[400]),
        pair("a continuation as the first line", " x: y\r\ncontent-length: 48\r\n", INNER, &[400]),
        // Chunks that one reader ends earlier.
        pair(
            "a size that wraps in 64 bits",
            "transfer-encoding: chunked\r\n",
            &format!("10000000000000000\r\n\r\n{INNER}"),
            &[400],
        ),
        pair(
            "a size that wraps in 32 bits",
            "transfer-encoding: chunked\r\n",
            &format!("100000000\r\n\r\n{INNER}"),
            &[413],
        )
        .left(&[400]),
        pair("a size with 0x", "transfer-encoding: chunked\r\n", &format!("0x5\r\nhello\r\n0\r\n\r\n{INNER}"), &[400]),
        pair("a negative size", "transfer-encoding: chunked\r\n", &format!("-1\r\n\r\n{INNER}"), &[400]),
        pair(
            "an extension with a bare line feed",
            "transfer-encoding: chunked\r\n",
            &format!("1;\nxx\r\n0\r\n\r\n{INNER}"),
            &[400],
        ),
        pair(
            "an extension with a bare carriage return",
            "transfer-encoding: chunked\r\n",
            &format!("1;\r0\r\n\r\n{INNER}"),
            &[400],
        ),
        pair(
            "a chunk longer than its size",
            "transfer-encoding: chunked\r\n",
            &format!("1\r\nxy\r\n0\r\n\r\n{INNER}"),
            &[400],
        ),
        pair("a trailer that is a request", "transfer-encoding: chunked\r\n", &format!("0\r\n{INNER}"), &[400]),
    ];
    for coding in [
        "chunked, identity",
        "identity, chunked",
        "chunked, chunked",
        "x",
        "chunked\u{b}",
        "\u{b}chunked",
        "",
        "\"chunked\"",
        "chunked;x",
        "xchunked",
        "chunked,",
    ] {
        let (what, line) = (format!("both, coding {coding:?}"), format!("transfer-encoding: {coding}\r\n"));
        cases.push(pair(&what, &(cl(5) + &line), &empty, &[400]));
    }
    for line in [
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        "transfer-encoding\0: chunked",
        "transfer encoding: chunked",
        " transfer-encoding: chunked",
        "\u{b}transfer-encoding: chunked",
        "transfer-encoding:\r\n chunked",
        "x: y\rtransfer-encoding: chunked",
        "transfer-encoding: chunked\r",
    ] {
        let (what, fields) = (format!("both, line {line:?}"), cl(5) + line + "\r\n");
        cases.push(pair(&what, &fields, &empty, &[400]));
    }
    // No field of framing for anybody who follows the RFC, and taken out for everybody who does not: the length counts.
    cases.push(
        case(
            "an underscore twin of the coding",
            post("transfer_encoding: chunked\r\ncontent-length: 5\r\n", "0\r\n\r\n"),
        )
        .sees("body-length: 5\n")
        .hides("transfer_encoding"),
    );
    cases.push(
        case("an underscore twin of the length", post("content_length: 48\r\n", ""))
            .sees("body-length: 0\n")
            .hides("content_length"),
    );
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_smuggled_in_another() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    check("smuggling", host.address, cases()).await;
}

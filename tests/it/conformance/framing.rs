//! Where a body ends: Content-Length and Transfer-Encoding (RFC 9112 sections 6 and 7, RFC 9110 section 8.6).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::conformance::case::get;
use crate::conformance::case::post;
use crate::harness::host::TestHost;

pub fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(codings());
    cases
}

fn lengths() -> Vec<Case> {
    let mut cases = vec![
        case("no length, no body", post("", "")).sees("body-length: 0\n"),
        case("a length of nothing", post("content-length: 0\r\n", "")).sees("body-length: 0\n"),
        case("GET with a body", "GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello")
            .sees("body: hello\n"),
        case("DELETE with a body", "DELETE / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello")
            .sees("body: hello\n"),
        case("two equal lengths", post("content-length: 5\r\ncontent-length: 5\r\n", "hello"))
            .sees("header content-length: 5\nbody-length: 5\nbody: hello\n"),
        case("a declared body over the app's bound", post("content-length: 16777217\r\n", "")).closed(&[413]),
        case("bytes of all kinds", post("content-length: 4\r\n", "\0\r\n\x7f")).sees(r"body: \u{0}\r\n\u{7f}"),
    ];
    for spelling in ["5", " 5", "5 ", "\t5\t", "005", "00000000000000000005"] {
        let sent = post(&format!("content-length:{spelling}\r\n"), "hello");
        cases.push(case(format!("length {spelling:?}"), sent).sees("body: hello\n"));
    }
    for spelling in [
        "",
        "+5",
        "-5",
        "0x5",
        "5.0",
        "5e0",
        "5,5",
        "5, 5",
        "5,6",
        "5;",
        "5 5",
        "\"5\"",
        "five",
        "\u{665}",
        "5\u{b}",
        "-0",
        "18446744073709551616",
        "18446744073709551621",
        "340282366920938463463374607431768211461",
        "99999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    ] {
        let sent = post(&format!("content-length: {spelling}\r\n"), "hello");
        cases.push(case(format!("length {spelling:?}"), sent).closed(&[400]));
    }
    // What is a number of 64 bits, and more than anybody can send.
    cases.push(case("length 2^63", post("content-length: 9223372036854775808\r\n", "hello")).closed(&[413]));
    cases.push(case("length 2^64-3", post("content-length: 18446744073709551613\r\n", "hello")).closed(&[413]));
    for largest in ["18446744073709551614", "18446744073709551615"] {
        let sent = post(&format!("content-length: {largest}\r\n"), "hello");
        cases.push(case(format!("length {largest}"), sent).closed(&[431]).deviates("largest-lengths"));
    }
    for (first, second) in [("5", "6"), ("6", "5"), ("5", "0"), ("0", "5"), ("5", "5,5"), ("5", "")] {
        let sent = post(&format!("content-length: {first}\r\ncontent-length: {second}\r\n"), "hello");
        cases.push(case(format!("lengths {first:?} and {second:?}"), sent).closed(&[400]));
    }
    cases
}

fn codings() -> Vec<Case> {
    const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";
    let coded = |fields: &str| post(fields, CHUNKS);
    let mut cases = vec![
        case("GET with chunks", get("transfer-encoding: chunked\r\n") + CHUNKS).sees("body: hello\n"),
        case("two lines of `chunked`", coded("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"))
            .closed(&[400]),
        case("`chunked`, then `identity`", coded("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n"))
            .closed(&[400]),
        case("`identity`, then `chunked`", coded("transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n"))
            .closed(&[400]),
        case(
            "in HTTP/1.0",
            format!("POST / HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{CHUNKS}"),
        )
        .closed(&[400]),
        case("with an underscore it is another field", post("transfer_encoding: chunked\r\n", ""))
            .sees("body-length: 0\n")
            .hides("transfer_encoding"),
        case("with a space before the colon", coded("transfer-encoding : chunked\r\n")).closed(&[400]),
        case("with a tab before the colon", coded("transfer-encoding\t: chunked\r\n")).closed(&[400]),
        case("folded", coded("transfer-encoding:\r\n chunked\r\n")).closed(&[400]),
    ];
    for spelling in ["chunked", "Chunked", "CHUNKED", "  chunked", "chunked  ", "\tchunked\t"] {
        let sent = coded(&format!("transfer-encoding:{spelling}\r\n"));
        cases.push(case(format!("coding {spelling:?}"), sent).sees("body: hello\n").hides("transfer-encoding"));
    }
    for spelling in [
        "",
        "identity",
        "gzip",
        "chunked, chunked",
        "chunked,chunked",
        "chunked,",
        ",chunked",
        ", chunked",
        "identity, chunked",
        "gzip, chunked",
        "chunked, identity",
        "chunked, gzip",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "chunked; a=b",
        "\"chunked\"",
        "'chunked'",
        "chunked chunked",
        "\u{b}chunked",
        "chunked\u{b}",
        "\u{c}chunked",
        "chunk",
        "cow",
        "chunked\u{a0}",
    ] {
        let sent = coded(&format!("transfer-encoding: {spelling}\r\n"));
        cases.push(case(format!("coding {spelling:?}"), sent).closed(&[400]));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_ends_where_everybody_reads_its_end() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    check("framing", host.address, cases()).await;
}

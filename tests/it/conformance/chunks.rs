//! Chunked bodies: sizes, extensions, trailers, and what is none (RFC 9112 section 7.1).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::conformance::case::post;
use crate::harness::host::TestHost;

fn chunked(body: &str) -> String {
    post("transfer-encoding: chunked\r\n", body)
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("none but the last", chunked("0\r\n\r\n")).sees("body-length: 0\n"),
        case("one", chunked("5\r\nhello\r\n0\r\n\r\n")).sees("body: hello\n"),
        case("three", chunked("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n")).sees("body: abcdef\n"),
        case("a last chunk of several zeros", chunked("5\r\nhello\r\n0000\r\n\r\n")).sees("body: hello\n"),
        case("chunks within a chunk", chunked("a\r\n0\r\n\r\nGET /\r\n0\r\n\r\n")).sees("body-length: 10\n"),
        case("a thousand of one byte", chunked(&("1\r\nx\r\n".repeat(1000) + "0\r\n\r\n"))).sees("body-length: 1000\n"),
        case("over the app's bound", chunked(&format!("1000001\r\n{}", "x".repeat(0x0100_0001)))).closed(&[413]),
    ];
    for (size, length) in [("a", 10), ("A", 10), ("0a", 10), ("1f", 31), ("1F", 31), ("0000000000000005", 5)] {
        let sent = chunked(&format!("{size}\r\n{}\r\n0\r\n\r\n", "x".repeat(length)));
        cases.push(case(format!("size {size:?}"), sent).sees(format!("body-length: {length}\n")));
    }
    for extension in [";a=b", ";a", ";a=\"b\"", ";a=\"b;c\"", " ;a=b", "; a = b", ";a=b;c=d", ";", ";\u{e4}=\u{f6}"] {
        let sent = chunked(&format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n"));
        cases.push(case(format!("extension {extension:?}"), sent).sees("body: hello\n"));
    }
    for size in [
        "",
        " ",
        "g",
        "5g",
        "-5",
        "+5",
        "0x5",
        "5h",
        "5_0",
        "5.0",
        "5,",
        "5 5",
        "\u{665}",
        "10000000000000000",
        "10000000000000005",
        "ffffffffffffffffff",
        "f0000000000000000000000000000005",
    ] {
        let sent = chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n"));
        cases.push(case(format!("size {size:?}"), sent).closed(&[400]));
    }
    // As large as numbers go: the rest is waited for, and does not come.
    for size in ["7fffffffffffffff", "ffffffffffffffff"] {
        cases.push(case(format!("size {size:?}"), chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n"))).left(&[400]));
    }
    for (what, sent) in [
        ("a bare line feed after the size", "5\nhello\r\n0\r\n\r\n"),
        ("a bare line feed after the last size", "5\r\nhello\r\n0\n\r\n"),
        ("a bare line feed after the chunk", "5\r\nhello\n0\r\n\r\n"),
        ("a bare line feed in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
        ("a bare carriage return in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("a bare carriage return after the size", "5\rhello\r\n0\r\n\r\n"),
        ("no line's end after the chunk", "5\r\nhello0\r\n\r\n"),
        ("a chunk longer than its size", "4\r\nhello\r\n0\r\n\r\n"),
        ("a chunk shorter than its size", "6\r\nhello\r\n0\r\n\r\n"),
        ("two line's ends after the chunk", "5\r\nhello\r\n\r\n0\r\n\r\n"),
        ("a space before the size", "5\r\nhello\r\n 0\r\n\r\n"),
        ("two carriage returns after the chunk", "5\r\nhello\r\r\n0\r\n\r\n"),
        ("a carriage return before the end", "5\r\nhello\r\n0\r\n\r\r\n"),
    ] {
        cases.push(case(what, chunked(sent)).closed(&[400]));
    }
    cases.push(
        case("a long extension", chunked(&format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(17 << 10)))).closed(&[400]),
    );
    cases.extend(trailers());
    cases.extend(bare_line_feeds());
    cases
}

/// Trailers are read and dropped: they could carry what was taken out of the head.
fn trailers() -> Vec<Case> {
    let with = |trailers: &str| post("transfer-encoding: chunked\r\n", &format!("5\r\nhello\r\n0\r\n{trailers}\r\n"));
    let many: String = (0..200).map(|at| format!("x-{at}: 1\r\n")).collect();
    vec![
        case("a trailer", with("x-after: 1\r\n")).sees("body: hello\n").hides("x-after"),
        case("two trailers", with("x-after: 1\r\nx-last: 2\r\n")).sees("body: hello\n").hides("x-last"),
        case(
            "an announced trailer",
            post("trailer: x-after\r\ntransfer-encoding: chunked\r\n", "0\r\nx-after: 1\r\n\r\n"),
        )
        .hides("x-after"),
        case("a length as a trailer", with("content-length: 3\r\n")).sees("body: hello\n").hides("content-length"),
        case("a coding as a trailer", with("transfer-encoding: chunked\r\n")).sees("body: hello\n"),
        case("a host as a trailer", with("host: other\r\n")).sees("authority: localhost\n").hides("other"),
        case("a proxy's word as a trailer", with("x-forwarded-for: 1.2.3.4\r\n")).hides("1.2.3.4"),
        case("a trailer without a colon", with("x-after\r\n")).closed(&[400]),
        case("a trailer with a space before its colon", with("x-after : 1\r\n")).closed(&[400]),
        case("a trailer with NUL", with("x-after: \0\r\n")).closed(&[400]),
        case("too many trailers", with(&many)).closed(&[400]),
        case("a trailer that is too long", with(&format!("x-after: {}\r\n", "a".repeat(70_000)))).closed(&[400]),
    ]
}

/// In the trailer section, where hyper would take what follows for a trailer. Whole, byte by byte, and behind others.
fn bare_line_feeds() -> Vec<Case> {
    let good = "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\nx: y\r\n\r\n";
    let mut cases = Vec::new();
    for (what, end) in [
        ("for the last line's end", "0\r\n\n"),
        ("for the last line's end, and a line that is none", "0\r\n\njunk\r\n\r\n"),
        ("for the last line's end, and a request", "0\r\n\nGET /b HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        ("after a trailer and for the last line's end", "0\r\nx: y\n\n"),
        ("after a trailer", "0\r\nx: y\n\r\n"),
        ("between two trailers", "0\r\nx: y\na: b\r\n\r\n"),
        ("after a trailer's line", "0\r\nx: y\r\n\n"),
        ("within a trailer's name", "0\r\nx\n: y\r\n\r\n"),
        ("after an extension's line", "0;a=b\r\n\n"),
    ] {
        let sent = chunked(&format!("5\r\nhello\r\n{end}"));
        cases.push(case(format!("a bare line feed {what}"), &sent).closed(&[400]));
        cases.push(case(format!("a bare line feed {what}, byte by byte"), &sent).in_single_bytes().closed(&[400]));
        cases.push(case(format!("a bare line feed {what}, second"), format!("{good}{sent}")).closed(&[200, 400]));
    }
    let cookie = "GET / HTTP/1.1\r\nhost: localhost\r\ncookie: chunked\r\n\r\n";
    let text = "\n\ntransfer-encoding: chunked\r\n\r\n0\r\n\n";
    let length = post(&format!("content-length: {}\r\n", text.len()), text);
    cases.push(case("chunked in a cookie and in a text", format!("{cookie}{length}")).kept(&[200, 200]));
    cases.push(case("chunked in a text, byte by byte", &length).in_single_bytes());
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_are_read_as_they_are_written_or_not_at_all() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    check("chunks", host.address, cases()).await;
}

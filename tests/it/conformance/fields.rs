//! Header fields: their syntax, how many, and which a guest may see (RFC 9112 section 5, RFC 9110 sections 5 and 7.6.1).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::conformance::case::get;
use crate::harness::host::TestHost;

pub fn cases() -> Vec<Case> {
    let mut cases = syntax();
    cases.extend(sizes());
    cases.extend(hidden());
    cases
}

fn syntax() -> Vec<Case> {
    let raw = |value: &[u8]| [b"GET / HTTP/1.1\r\nhost: localhost\r\nx-a: ", value, b"\r\n\r\n"].concat();
    let mut cases = vec![
        case("a field", get("x-a: b\r\n")).sees("header x-a: b\n"),
        case("a field in capitals", get("X-A: B\r\n")).sees("header x-a: B\n"),
        case("an empty value", get("x-a:\r\n")).sees("header x-a: \n"),
        case("a value of spaces", get("x-a:   \r\n")).sees("header x-a: \n"),
        case("spaces around a value", get("x-a: \t b \t \r\n")).sees("header x-a: b\n"),
        case("no space after the colon", get("x-a:b\r\n")).sees("header x-a: b\n"),
        case("spaces and a tab within a value", get("x-a: b  c\td\r\n")).sees("header x-a: b  c\\td\n"),
        case("a colon in a value", get("x-a: b:c\r\n")).sees("header x-a: b:c\n"),
        case("a field twice, in order", get("x-a: b\r\nx-b: 1\r\nx-a: c\r\n")).sees("header x-a: b\nheader x-a: c\n"),
        case("a name of all signs", get("!#$%&'*+-.^`|~09: b\r\n")).sees("header !#$%&'*+-.^`|~09: b\n"),
        case("8-bit letters in a value", raw(b"\xc3\xa4")).sees("header x-a: \u{e4}\n"),
        case("a byte of no letter in a value", raw(b"\xff")).sees("header x-a: \u{fffd}\n"),
        case("cookies in two lines", get("cookie: a=1\r\ncookie: b=2\r\n"))
            .sees("header cookie: a=1\nheader cookie: b=2\n"),
        case("NUL in a value", raw(b"b\0c")).closed(&[400]),
        case("NUL at a value's end", raw(b"b\0")).closed(&[400]),
        case("a bare carriage return in a value", raw(b"b\rc")).closed(&[400]),
        case("a carriage return at a value's end", raw(b"b\r")).closed(&[400]),
        case("DEL in a value", raw(b"b\x7fc")).closed(&[400]),
        case("escape in a value", raw(b"b\x1b[2Jc")).closed(&[400]),
        case("a vertical tab in a value", raw(b"b\x0bc")).closed(&[400]),
        case("a bare line feed ends a field", raw(b"b\nx-c: d")).sees("header x-c: d\n").deviates("bare-lf"),
        case("bare line feeds everywhere", "GET / HTTP/1.1\nhost: localhost\n\n").deviates("bare-lf"),
        case("a bare line feed after the request line", "GET / HTTP/1.1\nhost: localhost\r\n\r\n").deviates("bare-lf"),
        case("a bare line feed for the head's end", "GET / HTTP/1.1\r\nhost: localhost\r\n\n").deviates("bare-lf"),
    ];
    for bad in [
        "x-a : b",
        "x-a\t: b",
        " x-a: b",
        "\tx-a: b",
        ": b",
        ":",
        "x-a",
        "x a: b",
        "x-a\0: b",
        "x-\u{e4}: b",
        "x[a]: b",
        "x(a): b",
        "x/a: b",
        "x@a: b",
        "x,a: b",
        "x;a: b",
        "x=a: b",
        "x\"a\": b",
        "x{a}: b",
        "x<a>: b",
        "x?a: b",
        "x\\a: b",
        "x-a: b\r\n c",
        "x-a: b\r\n\tc",
        "x-a: b\r\n\r c",
        "x-a\r: b",
        "x-a\r\n: b",
        "\rx-a: b",
        "x\x7fa: b",
        "x\x01a: b",
    ] {
        cases.push(case(format!("line {bad:?}"), get(&format!("{bad}\r\n"))).closed(&[400]));
    }
    cases
}

fn sizes() -> Vec<Case> {
    // `host` is one of them.
    let fields = |count: usize| -> String { (1..count).map(|at| format!("x-{at}: 1\r\n")).collect() };
    let long = |length: usize| format!("x-a: {}\r\n", "a".repeat(length));
    let head = |length: usize| long(length - get("x-a: \r\n").len());
    vec![
        case("100 fields", get(&fields(100))).sees("header x-99: 1\n"),
        case("101 fields", get(&fields(101))).closed(&[431]),
        case("100 equal names", get(&"x-a: 1\r\n".repeat(99))).sees("header x-a: 1\n"),
        case("1,000 fields", get(&fields(1_000))).closed(&[431]),
        case("a head of 64 KiB", get(&head(64 << 10))),
        case("a head of 64 KiB and a byte", get(&head((64 << 10) + 1))).closed(&[431]),
        case("a head of 1 MiB", get(&head(1 << 20))).closed(&[431]),
        case("a name of 1,000 letters", get(&format!("{}: 1\r\n", "x".repeat(1_000)))).sees("xxx: 1\n"),
        case("a name of 65,000 letters", get(&format!("{}: 1\r\n", "x".repeat(65_000)))).sees("xxx: 1\n"),
        case("a value of 60,000 letters", get(&long(60_000))).sees("aaa\n"),
        case("a line that does not end", format!("GET / HTTP/1.1\r\nx-a: {}", "a".repeat(200_000))).closed(&[431]),
    ]
}

/// What is of this connection alone, and what only a proxy of ours may say. Everything else passes.
fn hidden() -> Vec<Case> {
    let mut cases = vec![
        case(
            "a field that `Connection` names",
            get("connection: x-mine, X-Other\r\nx-mine: 1\r\nx-other: 1\r\nx-third: 1\r\n"),
        )
        .sees("header x-third: 1\n")
        .hides("x-mine")
        .hides("x-other"),
        case(
            "`Connection` names what counts",
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\nconnection: content-length\r\n\r\nhello",
        )
        .sees("body: hello\n"),
        case("an id of a stranger's", get("x-request-id: forged\r\n")).hides("forged"),
    ];
    for name in [
        "keep-alive",
        "proxy-connection",
        "te",
        "upgrade",
        "http2-settings",
        "trailer",
        "proxy-authorization",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "X-Forwarded-Anything",
        "forwarded",
        "x-real-ip",
        "proxy",
        "x_forwarded_for",
        "X_Forwarded_Proto",
        "x-forwarded_for",
        "x_real_ip",
        "content_length",
        "x_request_id",
        "x_anything",
        "_",
        "cookie_",
    ] {
        let sent = get(&format!("{name}: forged\r\nx-a: b\r\n"));
        cases.push(case(format!("field `{name}`"), sent).sees("header x-a: b\n").hides("forged"));
    }
    for name in [
        "accept",
        "accept-encoding",
        "authorization",
        "cookie",
        "origin",
        "referer",
        "range",
        "if-none-match",
        "user-agent",
        "via",
        "traceparent",
        "x-a",
        "x-forward",
        "sec-websocket-key",
        "expect-ct",
        "date",
        "content-encoding",
    ] {
        let sent = get(&format!("{name}: as-it-is\r\n"));
        cases.push(case(format!("field `{name}`"), sent).sees(format!("header {name}: as-it-is\n")));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_are_well_formed_bounded_and_a_strangers() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    check("fields", host.address, cases()).await;
}

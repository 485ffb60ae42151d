//! Methods and targets (RFC 9112 section 3, RFC 9110 sections 4.2 and 9).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::harness::host::TestHost;

fn line(line: &str) -> String {
    format!("{line}\r\nhost: localhost\r\n\r\n")
}

fn target(target: &str) -> String {
    line(&format!("GET {target} HTTP/1.1"))
}

pub fn cases() -> Vec<Case> {
    let mut cases = methods();
    cases.extend(forms());
    cases.extend(paths());
    cases
}

fn methods() -> Vec<Case> {
    let mut cases = Vec::new();
    let longest = "X".repeat(32);
    for method in [
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "QUERY",
        "PROPFIND",
        "M-SEARCH",
        "get",
        "Get",
        "x",
        "!#$%&'*+-.^_`|~09",
        &longest,
    ] {
        let sent = line(&format!("{method} / HTTP/1.1"));
        cases.push(case(format!("method {method}"), sent).sees(format!("method: {method}\n")));
    }
    for (what, sent, statuses) in [
        ("CONNECT", "CONNECT localhost:80 HTTP/1.1", &[405][..]),
        ("CONNECT with a path", "CONNECT / HTTP/1.1", &[405]),
        ("CONNECT with a URI", "CONNECT http://localhost/ HTTP/1.1", &[405]),
        ("TRACE", "TRACE / HTTP/1.1", &[405]),
        ("a method of 33 letters", "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX / HTTP/1.1", &[501]),
        ("no method", " / HTTP/1.1", &[400]),
        ("no method and no space", "/ HTTP/1.1", &[400]),
        ("a method with an @", "G@T / HTTP/1.1", &[400]),
        ("a method with a bracket", "G(ET / HTTP/1.1", &[400]),
        ("a method with a colon", "GET: / HTTP/1.1", &[400]),
        ("a method with a comma", "GET,POST / HTTP/1.1", &[400]),
        ("a method with NUL", "G\0T / HTTP/1.1", &[400]),
        ("a method with a letter of two bytes", "G\u{cb}T / HTTP/1.1", &[400]),
        ("a method with DEL", "G\x7fT / HTTP/1.1", &[400]),
        ("a tab after the method", "GET\t/ HTTP/1.1", &[400]),
        ("two spaces after the method", "GET  / HTTP/1.1", &[400]),
        ("a line's end after the method", "GET\r\n / HTTP/1.1", &[400]),
        ("nothing but a word", "GET", &[400]),
        ("no target", "GET HTTP/1.1", &[400]),
        ("an empty target", "GET  HTTP/1.1", &[400]),
    ] {
        cases.push(case(what, line(sent)).closed(statuses));
    }
    cases.push(case("a method of 7,000 letters", line(&format!("{} / HTTP/1.1", "X".repeat(7_000)))).closed(&[501]));
    cases
        .push(case("a method of 100,000 letters", line(&format!("{} / HTTP/1.1", "X".repeat(100_000)))).closed(&[431]));
    cases
}

fn forms() -> Vec<Case> {
    let mut cases = vec![
        case("an app's page", target("/x")).sees("path: /x\n"),
        case("a path with a query", target("/x?a=b&c")).sees("path: /x\nquery: a=b&c\n"),
        case("an empty query", target("/x?")).sees("path: /x\n"),
        case("a query with a question mark", target("/?a?b")).sees("query: a?b\n"),
        case("a query with slashes and dots", target("/?../..//x")).sees("query: ../..//x\n"),
        case("a query with a broken percent", target("/?%")).sees("query: %\n"),
        case("a fragment", target("/x#y")).sees("path: /x\n").hides("#").deviates("fragment"),
        case("OPTIONS *", line("OPTIONS * HTTP/1.1")).closed(&[400]).deviates("options-star"),
    ];
    for (what, sent) in [
        ("`*`", "GET * HTTP/1.1"),
        ("`*x`", "GET *x HTTP/1.1"),
        ("a host and a port", "GET localhost:80 HTTP/1.1"),
        ("a host", "GET localhost HTTP/1.1"),
        ("a path without its slash", "GET x/y HTTP/1.1"),
        ("a question mark alone", "GET ?x HTTP/1.1"),
        ("a number sign alone", "GET #x HTTP/1.1"),
        ("a backslash for a slash", "GET \\x HTTP/1.1"),
        ("a space in a path", "GET /a b HTTP/1.1"),
        ("a space in a query", "GET /?a b HTTP/1.1"),
        ("a tab in a path", "GET /a\tb HTTP/1.1"),
        ("NUL in a path", "GET /a\0b HTTP/1.1"),
        ("DEL in a path", "GET /a\x7fb HTTP/1.1"),
        ("a control character in a path", "GET /a\x01b HTTP/1.1"),
        ("a bare carriage return in a path", "GET /a\rb HTTP/1.1"),
    ] {
        cases.push(case(what, line(sent)).closed(&[400]));
    }
    cases
}

fn paths() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "/",
        "//",
        "///",
        "/a//b",
        "/a/",
        "/...",
        "/.a",
        "/a.",
        "/..a",
        "/%41",
        "/%e4",
        "/%C3%A4",
        "/a;b=c",
        "/a:b",
        "/a@b",
        "/a,b",
        "/'",
        "/(a)",
        "/!$&'()*+,;=:@",
        "/~a",
        "/_",
        "/%20",
        "/%25",
        "/%3f",
        "/%23",
        "/%2f",
        "/%2f%2F",
        "/a%2Fb",
        "/@scope%2fname/-/name-1.0.tgz",
        "/a%252fb",
        "/..%252f..%252fb",
        "/%252e%252e%252f",
        "/a%255cb",
        "/.well-known/x",
    ] {
        cases.push(case(format!("path {path}"), target(path)).sees(format!("path: {path}\n")));
    }
    for path in [
        "/.",
        "/..",
        "/./",
        "/../",
        "/a/.",
        "/a/..",
        "/a/./b",
        "/a/../b",
        "/%2e",
        "/%2E%2e",
        "/.%2e/",
        "/a/%2e%2e/b",
        "/..%2f",
        "/%2e%2e%2f",
        "/%2E%2E%2Fa",
        "/a%2f..%2fb",
        "/a%2f%2e/b",
        "/%2e%2e%5c",
        "/a%2fb%5cc",
        "/%2f%00",
        "/%5c",
        "/a%5Cb",
        "/a\\b",
        "/..\\a",
        "/%00",
        "/a%00.txt",
        "/%",
        "/%4",
        "/%zz",
        "/%u0041",
        "/%c0%ae%c0%ae/\\",
    ] {
        cases.push(case(format!("path {path}"), target(path)).closed(&[400]));
    }
    let long = |length: usize| format!("/{}", "a".repeat(length - 1));
    let with_query = |length: usize| format!("/?{}", "a".repeat(length - 2));
    cases.push(case("a target of 8,000 bytes", target(&long(8_000))));
    cases.push(case("a target of 8,001 bytes", target(&long(8_001))).closed(&[414]));
    cases.push(case("a query up to 8,000 bytes", target(&with_query(8_000))));
    cases.push(case("a query up to 8,001 bytes", target(&with_query(8_001))).closed(&[414]));
    let whole = |length: usize| format!("http://localhost{}", long(length));
    cases.push(case("a URI with a path of 8,000 bytes", target(&whole(8_000))));
    cases.push(case("a URI with a path of 8,001 bytes", target(&whole(8_001))).closed(&[414]));
    cases.push(case("a target of 60,000 bytes", target(&long(60_000))).closed(&[414]));
    cases.push(case("a target of 100,000 bytes", target(&long(100_000))).closed(&[431]));
    cases.push(case("a letter of two bytes", target("/\u{e4}")).sees("path: /\u{e4}\n").deviates("raw-bytes"));
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_and_targets_are_taken_as_they_are_or_refused() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    check("target", host.address, cases()).await;
}

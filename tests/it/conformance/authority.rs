//! Whom a request is for: one Host, in valid spelling, and the same as the target's (RFC 9112 section 3.2, RFC 9110 section 7.2).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::harness::host::TestHost;

fn with(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\n{fields}\r\n")
}

fn at(target: &str, host: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n")
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("no Host", with("")).closed(&[400]),
        case("no Host, other fields", with("accept: */*\r\nx-host: localhost\r\n")).closed(&[400]),
        case("two equal", with("host: localhost\r\nhost: localhost\r\n")).closed(&[400]),
        case("two unequal", with("host: localhost\r\nhost: other\r\n")).closed(&[400]),
        case("two, apart", with("host: localhost\r\naccept: */*\r\nHOST: other\r\n")).closed(&[400]),
        case("the second empty", with("host: localhost\r\nhost:\r\n")).closed(&[400]),
        case("with a space before its colon", with("host : localhost\r\n")).closed(&[400]),
        case("folded", with("host:\r\n localhost\r\n")).closed(&[400]),
        case("not the first field", with("accept: */*\r\nhost: localhost\r\n")).sees("authority: localhost\n"),
        case("in capitals", with("HOST: localhost\r\n")).sees("authority: localhost\n"),
        case("in mixed case", with("hOsT: localhost\r\n")).sees("authority: localhost\n"),
        case("the guest has no field of it", with("host: localhost\r\n")).hides("header host"),
        case("taken out by Connection", with("host: localhost\r\nconnection: host\r\n")).sees("authority: localhost\n"),
        case("a host that is not ours", with("host: evil.example\r\n")).kept(&[421]).hides("authority"),
        case("an app that is not there", with("host: nobody.localhost\r\n")).kept(&[404]),
        case("an address that is not ours", with("host: 10.0.0.1\r\n")).sees("authority: 10.0.0.1\n"),
    ];
    for host in [
        "localhost",
        "localhost:80",
        "localhost:8080",
        "localhost:",
        "LOCALHOST",
        "LocalHost.",
        "localhost.:80",
        "127.0.0.1",
        "127.0.0.1:65535",
        "[::1]",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
    ] {
        cases.push(case(format!("host {host:?}"), at("/", host)));
    }
    for host in [
        "",
        " ",
        "a b",
        "a,b",
        "localhost, localhost",
        "localhost/",
        "localhost/x",
        "localhost?x",
        "localhost#x",
        "user@localhost",
        "user:word@localhost",
        "http://localhost",
        "//localhost",
        "localhost:x",
        "localhost:-1",
        "localhost:+80",
        "localhost:80x",
        "localhost: 80",
        "localhost:65536",
        "localhost:80:80",
        ":80",
        ":",
        "[::1",
        "::1",
        "[::1]x",
        "[localhost]",
        "[::1%25lo]",
        "[v1.x]",
        "%6cocalhost",
        "local%68ost",
        "localhost\\evil",
        "localhost\u{e4}",
        "localhost\t",
        "local\thost",
        "localhost;x",
        "localhost'",
        "localhost\"",
        "<localhost>",
        "local{host}",
        "local|host",
        "local^host",
        "local`host`",
        "$localhost",
        "local!host",
        "local(host)",
        "local*host",
        "local=host",
        "local&host",
    ] {
        // White space around a value is no part of it.
        if host.trim() == "localhost" {
            cases.push(case(format!("host {host:?}"), at("/", host)));
        } else {
            cases.push(case(format!("host {host:?}"), at("/", host)).closed(&[400]));
        }
    }
    cases.push(case("a host of 8,000 letters", at("/", &"a".repeat(8_000))).kept(&[421]));
    for (target, host, seen) in [
        ("http://localhost/x", "localhost", "/x"),
        ("http://localhost:80/x", "localhost", "/x"),
        ("http://LOCALHOST/x", "localhost", "/x"),
        ("http://localhost", "localhost", "/"),
        ("http://localhost?q=1", "localhost", "/"),
        ("HTTP://localhost/x", "localhost", "/x"),
        ("http://[::1]:8080/x", "[::1]:8080", "/x"),
    ] {
        cases.push(case(format!("target {target}, host {host}"), at(target, host)).sees(format!("path: {seen}\n")));
    }
    for (target, host) in [
        ("http://other/x", "localhost"),
        ("http://localhost/x", "other"),
        ("http://localhost:81/x", "localhost"),
        ("http://user@localhost/x", "localhost"),
        ("http://user@localhost/x", "user@localhost"),
        ("http:///x", "localhost"),
        ("http:/x", "localhost"),
        ("http:x", "localhost"),
        ("ftp://localhost/x", "localhost"),
        ("file:///etc/passwd", "localhost"),
        ("javascript:alert(1)", "localhost"),
        ("http://localhost/x", ""),
        ("http://localhost:x/", "localhost"),
        ("http://[::1/", "[::1]"),
        ("http://local host/", "localhost"),
    ] {
        cases.push(case(format!("target {target}, host {host:?}"), at(target, host)).closed(&[400]));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_names_one_host_in_valid_spelling() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    check("authority", host.address, cases()).await;
}

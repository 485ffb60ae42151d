//! What is answered: HEAD, statuses without a body, 100 Continue (RFC 9110 sections 9.3.2, 10.1.1, 15.3.5, 15.4.5).

use guesthouse_test_guests as guest;

use crate::conformance::case::Case;
use crate::conformance::case::case;
use crate::conformance::case::check;
use crate::harness::host::TestHost;

fn ask(method: &str, path: &str, fields: &str, body: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n{body}")
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("HEAD", ask("HEAD", "/", "", "")),
        case("HEAD of a streamed page", ask("HEAD", "/flow/early", "", "")),
        case("HEAD of what is not there", ask("HEAD", "/flow/nothing", "", "")).kept(&[404]),
        case("HEAD of a page of ours", ask("HEAD", "/flow", "", "")).kept(&[308]),
        case("HEAD with a body", ask("HEAD", "/", "content-length: 2\r\n", "ab")),
        case("HEAD that is refused", ask("HEAD", "/..", "", "")).closed(&[400]),
        case("204 from a stream", ask("GET", "/flow/empty", "", "")).kept(&[204]),
        case("a streamed page", ask("GET", "/flow/early", "", "")).sees("first\nlast\n"),
        case("a page with trailers", ask("GET", "/flow/trailers", "", "")).sees("see below\n"),
        case("two streamed pages", ask("GET", "/flow/early", "", "").repeat(2)).kept(&[200, 200]),
        case("a page to HTTP/1.0", "GET /flow/early HTTP/1.0\r\nhost: localhost\r\n\r\n")
            .closed(&[200])
            .sees("first\nlast\n"),
    ];
    for (status, expected) in [
        ("200", &[200][..]),
        ("201", &[201]),
        ("204", &[204]),
        ("205", &[205]),
        ("206", &[206]),
        ("301", &[301]),
        ("304", &[304]),
        ("404", &[404]),
        ("418", &[418]),
        ("500", &[500]),
        ("599", &[599]),
    ] {
        let asked = ask("GET", &format!("/bad-headers/?kind=status&code={status}"), "", "");
        cases.push(case(format!("an app's {status}"), asked).kept(expected));
    }
    for status in ["100", "101", "103", "199", "600", "999"] {
        let asked = ask("GET", &format!("/bad-headers/?kind=status&code={status}"), "", "");
        cases.push(case(format!("an app's {status}"), asked).kept(&[502]));
    }
    cases.extend(expectations());
    cases
}

/// 100 Continue is said when the guest reads, and not when nobody will.
fn expectations() -> Vec<Case> {
    const EXPECT: &str = "expect: 100-continue\r\ncontent-length: 5\r\n";
    const FOREIGN: &str =
        "POST / HTTP/1.1\r\nhost: evil.example\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhello";
    let chunked = "expect: 100-continue\r\ntransfer-encoding: chunked\r\n";
    vec![
        case("a guest that reads", ask("POST", "/", EXPECT, "hello")).kept(&[100, 200]).sees_at(1, "body: hello\n"),
        case("a guest that reads chunks", ask("POST", "/", chunked, "5\r\nhello\r\n0\r\n\r\n"))
            .kept(&[100, 200])
            .sees_at(1, "body: hello\n"),
        case("a guest that answers before it reads", ask("POST", "/echo/", EXPECT, "hello")).sees("hello"),
        case("in capitals", ask("POST", "/", "Expect: 100-Continue\r\ncontent-length: 5\r\n", "hello"))
            .kept(&[100, 200]),
        case("without a body", ask("GET", "/", "expect: 100-continue\r\n", "")),
        case("a body of nothing", ask("POST", "/", "expect: 100-continue\r\ncontent-length: 0\r\n", "")),
        case("a guest that does not read", ask("POST", "/flow/drop-body", EXPECT, "hello")).sees("not read\n"),
        case("a page of ours", ask("POST", "/flow", EXPECT, "hello")).kept(&[308]),
        case("a host that is not ours", FOREIGN).kept(&[421]),
        // Its length was announced: these bytes are the body, whatever they look like.
        case("a request in place of the body", ask("POST", "/flow/drop-body", EXPECT, "")).closed(&[200, 400]),
        case("a head that is refused", ask("POST", "/..", EXPECT, "")).closed(&[400]),
        case("a body that is too long", ask("POST", "/", "expect: 100-continue\r\ncontent-length: 99999999\r\n", ""))
            .closed(&[413]),
        case("another expectation", ask("GET", "/", "expect: the-best\r\n", ""))
            .hides("the-best")
            .deviates("expectations"),
        case(
            "100-continue among others",
            ask("POST", "/", "expect: 100-continue, x\r\ncontent-length: 5\r\n", "hello"),
        )
        .sees("body: hello\n")
        .deviates("expectations"),
        case(
            "HTTP/1.0",
            "POST / HTTP/1.0\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhello",
        )
        .closed(&[200])
        .sees("body: hello\n"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_have_the_bodies_that_they_may_have() {
    let host = TestHost::new()
        .app("index", guest::bytes(guest::ENVIRON))
        .app("flow", guest::bytes(guest::FLOW))
        .app("echo", guest::bytes(guest::ECHO))
        .app("bad-headers", guest::bytes(guest::BAD_HEADERS))
        .run()
        .await;
    check("replies", host.address, cases()).await;
}

//! A guest's words in the log: its output in every lane, and what it says as an error.

use futures_util::future::join_all;
use guesthouse_test_guests as guest;

use crate::harness::beside::program;
use crate::harness::serving::until;
use crate::harness::visitor::Visitor;

const MISLEADING: [&str; 6] = [
    "/bad-log/?kind=escape",
    "/bad-http/log",
    "/bad-http03/log",
    "/bad-headers/?kind=error&n=1",
    "/bad-http/error",
    "/bad-http03/error",
];

const NAMES: [&str; 4] = [guest::BAD_LOG, guest::BAD_HTTP, guest::BAD_HTTP03, guest::BAD_HEADERS];

#[tokio::test]
async fn nothing_that_a_guest_says_acts_on_a_terminal() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) = program(home.path(), &NAMES, "text").await;
    for path in MISLEADING {
        client.get(path).await;
        host.logs(path.split('?').next().unwrap()).await;
    }
    host.logs("forged by the guest").await;
    let log = host.log();
    for acting in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r'] {
        assert!(!log.contains(acting), "{acting:?} in the log");
    }
    // Each line of a text is a record with the host's own time and app, or indented below one.
    for line in log.lines().filter(|line| line.contains("forged by the guest")) {
        assert!(line.starts_with(|first: char| first.is_ascii_digit() || first == ' '), "{line}");
    }
}

#[tokio::test]
async fn no_record_of_a_log_for_machines_is_a_guests() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) = program(home.path(), &NAMES, "json").await;
    for path in MISLEADING {
        client.get(path).await;
        host.logs(path.split('?').next().unwrap()).await;
    }
    host.logs("forged by the guest").await;
    for line in host.log().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(record.get("timestamp").is_some() && record.get("target").is_some(), "{line}");
        assert_ne!(record["message"], "forged by the guest", "{line}");
    }
}

#[tokio::test]
async fn floods_of_every_lane_are_bounded_and_counted() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) =
        program(home.path(), &[guest::BAD_LOG, guest::BAD_HTTP, guest::BAD_HTTP03], "text").await;
    for path in ["/bad-log/?lines=100000", "/bad-http/log?repeat=100000", "/bad-http03/log?repeat=100000"] {
        client.get(path).await;
        let before = host.log().matches("dropped ").count();
        assert!(before < 100, "{before}");
        host.logs(&format!("app.name={}", path.split('/').nth(1).unwrap())).await;
    }
    for name in ["bad-log", "bad-http", "bad-http03"] {
        let dropped = async {
            while !host
                .log()
                .lines()
                .any(|line| line.contains("dropped ") && line.contains(&format!("app.name={name} ")))
            {
                tokio::task::yield_now().await;
            }
        };
        crate::harness::within("the count of what was dropped", dropped).await;
    }
    // A hundred lines in a second from each, for as many seconds as it took: far from the 500,000 that they wrote.
    assert!(host.log().lines().count() < 60_000, "{} lines", host.log().lines().count());
}

#[tokio::test]
async fn an_error_of_many_bytes_is_cut() {
    let home = tempfile::tempdir().unwrap();
    let (mut host, mut client) = program(home.path(), &NAMES, "text").await;
    for path in
        ["/bad-headers/?kind=error&n=1000000", "/bad-http/error?repeat=100000", "/bad-http03/error?repeat=100000"]
    {
        assert_eq!(client.get(path).await.status, 502, "{path}");
    }
    host.logs("more bytes)").await;
    assert!(host.log().len() < 200_000, "{} bytes", host.log().len());
}

/// A guest that fails with every request is told of ten times in a second, and its requests are all on record.
#[tokio::test]
async fn an_app_that_always_fails_does_not_fill_the_log() {
    const ASKED: usize = 200;
    let home = tempfile::tempdir().unwrap();
    let (host, mut client) = program(home.path(), &[guest::BAD_TRAP], "text").await;
    let begun = tokio::time::Instant::now();
    for _ in 0..ASKED {
        assert_eq!(client.get("/bad-trap/").await.status, 502);
    }
    // On a machine that takes longer, more may be told.
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    let count = |text: &str| host.log().lines().filter(|line| line.contains(text)).count();
    until("all requests on record", async || count("GET /bad-trap/ 502"), |count| *count == ASKED, |_| {}).await;
    let told = count("`bad-trap` failed: ");
    assert!(told >= 10 && told <= 10 * seconds, "{told} failures were told in {seconds} s");
}

/// What visitors do to their own requests is not counted as the guest's failure.
#[tokio::test]
async fn no_visitor_hides_the_failures_of_an_app_behind_broken_bodies() {
    const BROKEN: usize = 40;
    let home = tempfile::tempdir().unwrap();
    let (mut host, client) = program(home.path(), &[guest::BAD_TRAP], "text").await;
    let broken = async |at: usize| {
        let mut visitor = Visitor::connect(client.address).await;
        let head = "POST /bad-trap/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
        // Begun, and then no chunk.
        visitor.send(format!("{head}5\r\nbegin\r\nzz\r\n")).await;
        let answer = visitor.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{at}: {answer}");
    };
    join_all((0..BROKEN).map(broken)).await;
    let mut client = client;
    assert_eq!(client.get("/bad-trap/").await.status, 502);
    host.logs("GET /bad-trap/ 502").await;
    let count = |text: &str| host.log().lines().filter(|line| line.contains(text)).count();
    assert_eq!(count("`bad-trap` failed: "), 1, "{}", host.log());
    assert_eq!(count("`bad-trap` gave no response: "), BROKEN, "{}", host.log());
}

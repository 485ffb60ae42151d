//! A visitor who leaves ends the guest, whatever it is at: its place and its memory are free again.

use guesthouse_manifest::policy::Policy;
use guesthouse_test_guests as guest;
use http::StatusCode;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::beside::Beside;
use crate::harness::host::TestHost;
use crate::harness::within;

/// One place, and nothing that would end the guest within an hour but its visitor.
const ENDLESS: &str =
    "[limits]\nconcurrency = 1\nqueue = 0\ncpu = \"1h\"\nhead = \"1h\"\nbody_idle = \"1h\"\nmemory = \"32MiB\"\n";

/// Answers at once, when there is a place.
async fn place_is_free(beside: &Beside, probe: &str) -> bool {
    beside.host.get(probe).await.status != StatusCode::SERVICE_UNAVAILABLE
}

async fn check(name: &str, paths: &[&str], probe: &str) {
    let host = TestHost::new()
        .app(name, guest::bytes(name))
        .manifest(name, ENDLESS)
        .config(|config| config.deploy.policy = Policy::permissive());
    let mut beside = Beside::run(host).await;
    for path in paths {
        let mut visitor = TcpStream::connect(beside.host.address).await.unwrap();
        let request = format!("GET /{name}{path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        visitor.write_all(request.as_bytes()).await.unwrap();
        let probe = format!("/{name}{probe}");
        within("the place to be taken", async { while place_is_free(&beside, &probe).await {} }).await;
        beside.check_good(path).await;
        drop(visitor);
        within("the place to be free", async { while !place_is_free(&beside, &probe).await {} }).await;
        beside.check_good(path).await;
    }
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_a_guest_of_the_0_2_lane() {
    check(guest::BAD_HTTP, &["/spin", "/spin-late", "/poll-one", "/hold?mib=4"], "/status?code=200").await;
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_a_guest_of_the_0_3_lane() {
    check(guest::BAD_HTTP03, &["/spin", "/spin-late", "/hold?mib=4"], "/status?code=200").await;
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_a_guest_of_the_gateway_lane() {
    check(guest::BAD_HEADERS, &["/?kind=spin"], "/?n=1&len=1").await;
}

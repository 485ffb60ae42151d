//! Nothing of a request is there for the next one, but what an app asks for (`tests/it/carry.rs` looks at the rest).

use std::collections::BTreeSet;

use guesthouse_test_guests as guest;

use crate::harness::beside::Beside;

#[tokio::test]
async fn no_two_requests_draw_the_same_randomness() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, "").await;
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            let reply = beside.check(&format!("/{name}/draw"), "200 ").await.unwrap();
            // The bytes, the insecure ones, and the seed: a line each.
            for line in reply.text().lines() {
                assert!(seen.insert(line.to_owned()), "{name}: {line} again");
            }
        }
        assert_eq!(seen.len(), 60, "{name}");
    }
}

#[tokio::test]
async fn a_fault_leaves_nothing_for_the_next_request() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, "cpu = \"1s\"\nmemory = \"16MiB\"").await;
        for _ in 0..3 {
            let cases = [("/hoard", "502"), ("/spin", "504"), ("/deep", "502"), ("/status?code=200", "200 a ")];
            beside.check_all(&format!("/{name}"), &cases).await;
        }
    }
}

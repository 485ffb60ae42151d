//! Nothing is carried from one request to the next: not in what a core instance has, and not to another app.

use guesthouse_test_guests as guest;
use http::StatusCode;

use crate::harness::host::TestHost;

/// Leaves something in a memory, a global, a table and two segments, and answers with what it found there. Written by
/// hand, because no language that compiles to WebAssembly lets its programs touch a global or a table of their own.
const CARRY: &str = include_str!("carry.wat");

/// What `CARRY` answers in an instance that nobody has used. A segment that was dropped before is a trap.
const NOTHING: &str = "memory 0\npages  1\nglobal 0\ntable  0\nslots  2\n";

fn component() -> Vec<u8> {
    wat::parse_str(CARRY).unwrap()
}

#[tokio::test]
async fn nothing_is_carried_in_a_memory_a_global_a_table_or_a_segment() {
    let host = TestHost::new().app("carry", component()).run().await;
    let mut client = host.client();
    for _ in 0..10 {
        let reply = client.get("/carry/").await;
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, NOTHING));
    }
}

#[tokio::test]
async fn nothing_is_carried_to_another_app_that_gets_the_same_place() {
    // Slots of the pool are given out again, the last one first.
    let host = TestHost::new()
        .app("one", component())
        .app("other", component())
        .app("one-of-rust", guest::bytes(guest::CARRY))
        .app("other-of-rust", guest::bytes(guest::CARRY_HTTP))
        .run()
        .await;
    let mut client = host.client();
    for _ in 0..5 {
        for name in ["one", "other"] {
            assert_eq!(client.get(&format!("/{name}/")).await.text(), NOTHING, "{name}");
        }
        for name in ["one-of-rust", "other-of-rust"] {
            let report = client.get(&format!("/{name}/")).await.text();
            assert!(report.contains("memory: ") && !report.contains("left by an earlier request"), "{name}: {report}");
            assert!(report.lines().all(|line| line.contains(": found nothing, ")), "{name}: {report}");
        }
    }
}

#[tokio::test]
async fn a_reused_instance_carries_what_these_tests_look_for() {
    // Otherwise the tests above could pass because nothing is ever left, or nothing found.
    let manifest = "[instances]\nreuse = 10\n";
    let host = TestHost::new()
        .app("carry", component())
        .manifest("carry", manifest)
        .app("carry-of-rust", guest::bytes(guest::CARRY))
        .manifest("carry-of-rust", manifest)
        .run()
        .await;
    let mut client = host.client();
    assert_eq!(client.get("/carry/").await.text(), NOTHING);
    // The dropped segment traps, which is what it is to be found again.
    assert_eq!(client.get("/carry/").await.status, StatusCode::BAD_GATEWAY);
    client.get("/carry-of-rust/").await;
    let report = client.get("/carry-of-rust/").await.text();
    for channel in ["memory", "environment", "handles"] {
        assert!(!report.contains(&format!("{channel}: found nothing")) && report.contains(channel), "{report}");
    }
}

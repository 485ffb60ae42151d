//! Bad guests beside a good one that keeps answering.

use std::time::Duration;

use guesthouse_test_guests as guest;
use http::StatusCode;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::host::Running;
use crate::harness::host::TestHost;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_app_answers_beside_endless_ones() {
    let host = TestHost::new()
        .app("hello", guest::bytes(guest::HELLO))
        .app("bad-loop", guest::bytes(guest::BAD_LOOP))
        .run()
        .await;
    let endless: Vec<_> = (0..4)
        .map(|_| {
            let mut client = host.client();
            tokio::task::spawn(async move { client.try_send(get("/bad-loop/")).await })
        })
        .collect();
    let mut client = host.client();
    for _ in 0..20 {
        assert_eq!(client.get("/hello/").await.status, StatusCode::OK);
    }
    assert!(
        endless.iter().all(|request| !request.is_finished()),
        "the endless ones ended before the good one was done"
    );
    endless.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_at_its_limit_sheds_and_does_not_make_others_wait() {
    let host = TestHost::new()
        .app("hello", guest::bytes(guest::HELLO))
        .app("bad-never", guest::bytes(guest::BAD_NEVER))
        .manifest("bad-never", "[limits]\nconcurrency = 1\nqueue = 1\nqueue_wait = \"50ms\"\nhead = \"30s\"\n")
        .run()
        .await;
    let mut first = host.client();
    let holding = tokio::task::spawn(async move { first.try_send(get("/bad-never/")).await });
    // Whoever comes while the only permit is taken is shed; until the first one is in, another may be the holder, so the
    // state is waited for rather than assumed.
    let shed = loop {
        if let Some(reply) = soon(&host, "/bad-never/").await {
            break reply;
        }
    };
    assert_eq!(shed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_ne!(shed.header("retry-after"), "");
    assert_eq!(host.get("/hello/").await.status, StatusCode::OK);
    holding.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_leaves_ends_the_guest() {
    let host = TestHost::new()
        .app("bad-loop", guest::bytes(guest::BAD_LOOP))
        .app("hello", guest::bytes(guest::HELLO))
        .manifest("bad-loop", "[limits]\nconcurrency = 1\nqueue = 0\ncpu = \"1h\"\nhead = \"1h\"\n")
        .config(|config| config.deploy.policy = guesthouse::deploy::policy::Policy::permissive())
        .run()
        .await;
    let mut leaving = host.client();
    let visit = tokio::task::spawn(async move { leaving.try_send(get("/bad-loop/")).await });
    // The only permit is taken: the next visitor is shed at once.
    while soon(&host, "/bad-loop/").await.is_none_or(|reply| reply.status != StatusCode::SERVICE_UNAVAILABLE) {}
    visit.abort();
    let _ = visit.await;
    // The guest's deadline is an hour away: when the permit is free again, it was its visitor's leaving that ended it.
    while soon(&host, "/bad-loop/").await.is_some() {}
    assert_eq!(host.get("/hello/").await.status, StatusCode::OK);
}

/// What is answered within a moment; whoever waits longer has been let in.
async fn soon(host: &Running, path: &str) -> Option<Reply> {
    let mut client = Client::new(host.address);
    tokio::time::timeout(Duration::from_millis(400), client.try_send(get(path))).await.ok()?.ok()
}

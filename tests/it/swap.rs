//! Hot swap: under load, in flight, and never backwards.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use http::StatusCode;
use http_body_util::BodyExt;

use crate::harness::client::Client;
use crate::harness::client::connect;
use crate::harness::client::get;
use crate::harness::host::Running;
use crate::harness::host::TestHost;

/// What the visitors of one run saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    requests: u32,
    failed: u32,
    wrong: u32,
    backwards: u32,
}

/// How a new revision gets into the folder.
#[derive(Clone, Copy)]
enum Way {
    Rename,
    Copy,
}

/// Swaps `revision` so many times, while visitors look; each swap is awaited, so that every revision serves.
async fn swap_under_load(make: fn(u32) -> Vec<u8>, swaps: u32, way: Way) -> Seen {
    const VISITORS: usize = 4;
    let host = Arc::new(TestHost::new().app("revision", make(0)).run().await);
    let done = Arc::new(AtomicBool::new(false));
    let published = Arc::new(AtomicU32::new(0));
    let visitors: Vec<_> = (0..VISITORS)
        .map(|_| tokio::task::spawn(visit(Client::new(host.address), done.clone(), published.clone())))
        .collect();
    for number in 1..=swaps {
        let component = make(number);
        let digest = Digest::of(&component);
        // What a visitor may see from here on is `number` at most; what is published is a lower bound from the moment
        // at which the status says so.
        match way {
            Way::Rename => host.apps.rename_in("revision.wasm", &component),
            Way::Copy => host.apps.copy_over("revision.wasm", &component),
        }
        host.until_live("revision", digest).await;
        published.store(number, Ordering::SeqCst);
    }
    done.store(true, Ordering::SeqCst);
    let mut seen = Seen::default();
    for visitor in visitors {
        let one = visitor.await.unwrap();
        seen.requests += one.requests;
        seen.failed += one.failed;
        seen.wrong += one.wrong;
        seen.backwards += one.backwards;
    }
    seen
}

async fn visit(mut client: Client, done: Arc<AtomicBool>, published: Arc<AtomicU32>) -> Seen {
    let mut seen = Seen::default();
    let mut newest = 0;
    while !done.load(Ordering::SeqCst) {
        let at_least = published.load(Ordering::SeqCst).max(newest);
        seen.requests += 1;
        match client.try_send(get("/revision/")).await {
            Ok(reply) if reply.status == StatusCode::OK => match reply.text().trim().parse::<u32>() {
                Ok(number) if number >= at_least => newest = number,
                Ok(_) => seen.backwards += 1,
                Err(_) => seen.wrong += 1,
            },
            _ => seen.failed += 1,
        }
        // Visitors without a pause would leave no time for the compile child, which runs at a low priority.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen
}

fn assert_clean(seen: &Seen) {
    println!("{seen:?}");
    assert!(seen.requests > 100, "too few visitors to show anything: {seen:?}");
    assert_eq!((seen.failed, seen.wrong, seen.backwards), (0, 0, 0), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_swaps_by_rename_lose_nothing() {
    assert_clean(&swap_under_load(guest::revision, 100, Way::Rename).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_swaps_by_copy_lose_nothing() {
    assert_clean(&swap_under_load(guest::revision, 100, Way::Copy).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_swaps_in_the_standard_lane_lose_nothing() {
    assert_clean(&swap_under_load(guest::revision_http, 20, Way::Rename).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_swaps_in_the_async_lane_lose_nothing() {
    assert_clean(&swap_under_load(guest::revision_http03, 20, Way::Rename).await);
}

#[tokio::test]
async fn a_new_revision_serves_the_next_request_on_the_same_connection() {
    let host = TestHost::new().app("revision", guest::revision(1)).run().await;
    let mut client = host.client();
    assert_eq!(client.get("/revision/").await.text(), guest::revision_text(1));
    host.drop_in("revision", guest::revision(2)).await;
    assert_eq!(client.get("/revision/").await.text(), guest::revision_text(2));
}

/// What the slow request answers when nobody cuts it.
fn slow_text(number: u32) -> String {
    format!("{}\n", guest::revision_text(number)).repeat(5)
}

async fn check_ends_on_its_revision(make: fn(u32) -> Vec<u8>) {
    let host = TestHost::new().app("revision", make(1)).run().await;
    let slow = slow_request(&host).await;
    host.drop_in("revision", make(2)).await;
    assert_eq!(host.get("/revision/").await.text().trim(), guest::revision_text(2));
    assert_eq!(slow.await.unwrap(), slow_text(1));
}

#[tokio::test]
async fn a_request_in_flight_ends_on_the_revision_it_began_with() {
    check_ends_on_its_revision(guest::revision_http).await;
    check_ends_on_its_revision(guest::revision_http03).await;
}

async fn check_survives_removal(make: fn(u32) -> Vec<u8>) {
    let host = TestHost::new().app("revision", make(1)).run().await;
    let slow = slow_request(&host).await;
    host.apps.remove("revision.wasm");
    host.until("it is gone", |status| status.apps.is_empty()).await;
    assert_eq!(host.get("/revision/").await.status, StatusCode::NOT_FOUND);
    assert_eq!(slow.await.unwrap(), slow_text(1));
}

#[tokio::test]
async fn a_request_in_flight_survives_the_removal_of_its_app() {
    check_survives_removal(guest::revision_http).await;
    check_survives_removal(guest::revision_http03).await;
}

#[tokio::test]
async fn a_swap_takes_an_app_from_lane_to_lane() {
    let host = TestHost::new().app("revision", guest::revision(1)).run().await;
    let mut client = host.client();
    let lanes = [guest::revision_http03, guest::revision_http, guest::revision, guest::revision_http03];
    for (number, make) in (2..).zip(lanes) {
        host.drop_in("revision", make(number)).await;
        assert_eq!(client.get("/revision/").await.text(), guest::revision_text(number));
    }
}

/// A request whose head has arrived and whose body has not: the text comes when it is complete.
async fn slow_request(host: &Running) -> tokio::task::JoinHandle<String> {
    let mut sender = connect(host.address).await.unwrap();
    let mut request = get("/revision/slow");
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let response = sender.send_request(request).await.unwrap();
    tokio::task::spawn(async move {
        let body = response.into_body().collect().await.expect("a whole body").to_bytes();
        drop(sender);
        String::from_utf8(body.to_vec()).unwrap()
    })
}

#[tokio::test]
async fn a_broken_upload_leaves_the_old_revision_serving() {
    let host = TestHost::new().app("revision", guest::revision(1)).run().await;
    host.apps.rename_in("revision.wasm", b"<!doctype html>");
    let why = host.until_state("revision", AppState::Refused).await;
    assert!(why.contains("not WebAssembly"), "{why}");
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(1));
    host.drop_in("revision", guest::revision(2)).await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(2));
}

#[tokio::test]
async fn an_unrelated_apps_stream_is_not_touched_by_a_swap() {
    let host = TestHost::new().app("revision", guest::revision_http(1)).app("other", guest::revision(1)).run().await;
    let slow = slow_request(&host).await;
    for number in 2..5 {
        host.drop_in("other", guest::revision(number)).await;
    }
    assert_eq!(slow.await.unwrap().lines().count(), 5);
}

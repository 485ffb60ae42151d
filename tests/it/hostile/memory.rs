//! Memory bombs, one and many: what one app takes, what all take, and that it is all given back.

use bytes::Bytes;
use futures_util::future::join_all;
use guesthouse_test_guests as guest;
use http::Response;
use http::StatusCode;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

use crate::harness::beside::Beside;
use crate::harness::beside::program;
use crate::harness::client::connect;
use crate::harness::client::get;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::within;

const MIB: u64 = 1 << 20;

/// What each visitor has his guest hold: with all that an instance has besides, less than 32.
const HELD_MIB: u64 = 28;

type Visit = (Response<Incoming>, SendRequest<Full<Bytes>>);

/// A host whose guests have `total` MiB together, with these guests in it, each with instances of 64 MiB at most.
async fn host(total: u64, names: &[&str]) -> Beside {
    let mut host = TestHost::new().config(move |config| config.sandbox.memory_total_bytes_max = total * MIB);
    for name in names {
        host = host.app(name, guest::bytes(name));
        host = host.manifest(name, "[limits]\nmemory = \"64MiB\"\nbody_idle = \"5m\"\n");
    }
    Beside::run(host).await
}

/// A guest that holds its memory for as long as this is held; its head is here.
async fn hold(host: &Running, name: &str) -> Visit {
    let mut sender = connect(host.address).await.unwrap();
    let mut request = get(&format!("/{name}/hold?mib={HELD_MIB}"));
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let response = within("a head", sender.send_request(request)).await.unwrap();
    (response, sender)
}

async fn thirty_two_hold(beside: &mut Beside, name: &str) -> Vec<Visit> {
    let visits = join_all((0..32).map(|_| hold(&beside.host, name))).await;
    beside.check_good("32 bombs").await;
    let (held, refused): (Vec<Visit>, Vec<Visit>) =
        visits.into_iter().partition(|(response, _)| response.status() == StatusCode::OK);
    for (response, _) in &refused {
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert!(response.headers().contains_key("retry-after"), "{name}: {response:?}");
    }
    held
}

#[tokio::test]
async fn thirty_two_bombs_take_no_more_than_their_apps_half_and_give_it_back() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = host(256, &[name]).await;
        for _ in 0..2 {
            let held = thirty_two_hold(&mut beside, name).await;
            // Half of 256 has room for four or five of them.
            let count = held.len() as u64;
            assert!(count >= 3 && count * HELD_MIB <= 128, "{name}: {count} hold {HELD_MIB} MiB each");
            drop(held);
            within("all of it to be given back", async {
                let mut again = Vec::new();
                while again.len() < 3 {
                    match hold(&beside.host, name).await {
                        visit if visit.0.status() == StatusCode::OK => again.push(visit),
                        _ => tokio::task::yield_now().await,
                    }
                }
            })
            .await;
        }
    }
}

#[tokio::test]
async fn when_all_memory_is_used_up_the_answer_is_503_and_no_fault() {
    let (one, other) = (guest::BAD_HTTP, guest::BAD_HTTP03);
    let beside = host(128, &[one, other]).await;
    let mut held = Vec::new();
    for name in [one, other] {
        // Each takes what it gets: half of it all.
        loop {
            match hold(&beside.host, name).await {
                visit if visit.0.status() == StatusCode::OK => held.push(visit),
                refused => {
                    assert_eq!(refused.0.status(), StatusCode::SERVICE_UNAVAILABLE, "{name}");
                    break;
                }
            }
        }
    }
    assert_eq!(held.len(), 4, "two of each");
    drop(held);
    within("room again", async {
        while hold(&beside.host, one).await.0.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The most that a process has ever had in memory, in MiB.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn what_the_host_keeps_for_a_guest_is_little_beside_the_guest() {
    let home = tempfile::tempdir().unwrap();
    let names = [guest::BAD_HTTP, guest::BAD_HTTP03];
    let (host, mut client) = program(home.path(), &names, "text").await;
    let before = peak_mib(host.pid());
    for path in ["/bad-http/big-fields", "/bad-http/bodies", "/bad-http03/big-fields"] {
        assert_eq!(client.get(path).await.status, StatusCode::BAD_GATEWAY, "{path}");
        let more = peak_mib(host.pid()) - before;
        println!("{path}: {more} MiB");
        assert!(more < 128, "{path}: {more} MiB more");
    }
}

#[tokio::test]
async fn one_bomb_alone_ends_at_its_own_limit() {
    let mut beside = host(1024, &[guest::BAD_HTTP, guest::BAD_HTTP03]).await;
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        beside
            .check_all(&format!("/{name}"), &[("/hoard", "502"), ("/hoard-late", "cut"), ("/hold?mib=100", "502")])
            .await;
    }
}

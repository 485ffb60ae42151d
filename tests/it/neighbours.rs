//! Bad guests beside a good one that keeps answering.

use bytes::Bytes;
use guesthouse_test_guests as guest;
use http::Response;
use http::StatusCode;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

use crate::harness::client::connect;
use crate::harness::client::get;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::within;

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

/// An app of the 0.2 lane that fills and copies its memory without end: instructions that take long, each of them.
fn in_bulk() -> Vec<u8> {
    let text = "(component
        (import \"wasi:http/types@0.2.0\" (instance $types
            (export \"incoming-request\" (type (sub resource)))
            (export \"response-outparam\" (type (sub resource)))))
        (alias export $types \"incoming-request\" (type $request))
        (alias export $types \"response-outparam\" (type $out))
        (core module $m (memory 1) (func (export \"handle\") (param i32 i32)
            (drop (memory.grow (i32.const 1500)))
            (loop
                (memory.fill (i32.const 0) (i32.const 7) (i32.const 98000000))
                (memory.copy (i32.const 0) (i32.const 1) (i32.const 97000000))
                br 0)))
        (core instance $i (instantiate $m))
        (func $handle (param \"request\" (own $request)) (param \"response-out\" (own $out))
            (canon lift (core func $i \"handle\")))
        (instance $door (export \"handle\" (func $handle)))
        (export \"wasi:http/incoming-handler@0.2.0\" (instance $door)))";
    wat::parse_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_app_answers_beside_guests_in_bulk_operations() {
    let host = TestHost::new().app("hello", guest::bytes(guest::HELLO)).app("bulk", in_bulk()).run().await;
    let endless: Vec<_> = (0..4)
        .map(|_| {
            let mut client = host.client();
            tokio::task::spawn(async move { client.try_send(get("/bulk/")).await })
        })
        .collect();
    let mut client = host.client();
    for _ in 0..5 {
        assert_eq!(client.get("/hello/").await.status, StatusCode::OK);
    }
    assert!(endless.iter().all(|request| !request.is_finished()), "they ended before the good one was done");
    endless.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_at_its_limit_sheds_and_does_not_make_others_wait() {
    let host = TestHost::new()
        .app("hello", guest::bytes(guest::HELLO))
        .app("bad-never", guest::bytes(guest::BAD_NEVER))
        .manifest("bad-never", "[limits]\nconcurrency = 1\nqueue = 1\nqueue_wait = \"50ms\"\n")
        .run()
        .await;
    let _holding = head_of(&host, "/bad-never/late").await;
    let shed = host.get("/bad-never/").await;
    assert_eq!(shed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_ne!(shed.header("retry-after"), "");
    assert_eq!(host.get("/hello/").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_leaves_ends_the_guest() {
    let host = TestHost::new()
        .app("bad-loop-http", guest::bytes(guest::BAD_LOOP_HTTP))
        .manifest("bad-loop-http", "[limits]\nconcurrency = 1\nqueue = 0\ncpu = \"1h\"\nbody_idle = \"1h\"\n")
        .config(|config| config.deploy.policy = guesthouse_manifest::policy::Policy::permissive())
        .run()
        .await;
    let visitor = head_of(&host, "/bad-loop-http/late").await;
    assert_eq!(host.get("/bad-loop-http/late").await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(visitor);
    // The guest's deadlines are an hour away: when there is room again, it was its visitor's leaving that ended it.
    within("the permit to be free", async {
        while head_of(&host, "/bad-loop-http/late").await.0.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A request whose head has arrived; it goes on for as long as this is held.
async fn head_of(host: &Running, path: &str) -> (Response<Incoming>, SendRequest<Full<Bytes>>) {
    let mut sender = connect(host.address).await.unwrap();
    let mut request = get(path);
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let response = within("a head", sender.send_request(request)).await.unwrap();
    (response, sender)
}

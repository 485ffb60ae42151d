//! Each lane, and each way to fail.

use guesthouse_component::inspect::Class;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::inspect;
use guesthouse_sandbox::limits::Limits;

use crate::harness::ask;
use crate::harness::guest;
use crate::harness::quick;
use crate::harness::request;

#[test]
fn lane_and_class_are_read_from_the_bytes() {
    let expected = [
        ("hello", Lane::Gateway, Class::Plain),
        ("hello-http", Lane::Http02, Class::Plain),
        ("large", Lane::Gateway, Class::Large),
    ];
    for (name, lane, class) in expected {
        let bytes = std::fs::read(guesthouse_test_guests::component(name)).unwrap();
        let inspection = inspect(&bytes).unwrap();
        assert_eq!((inspection.lane, inspection.class), (lane, class), "{name}: {inspection:?}");
    }
}

#[test]
fn every_prefix_of_a_component_is_a_truncated_one() {
    let bytes = std::fs::read(guesthouse_test_guests::component("hello-http")).unwrap();
    for length in (0..bytes.len()).step_by(97) {
        let error = inspect(&bytes[..length]).expect_err("a part is not the whole").to_string();
        let cut_between_sections = error.starts_with("it exports");
        assert!(error.contains("the upload is not complete") || cut_between_sections, "{length}: {error}");
    }
}

#[tokio::test]
async fn each_lane_answers() {
    let (status, body) = ask(&guest("hello", Limits::default()), "/", b"").await.unwrap();
    assert_eq!((status, body.contains("<h1>hello</h1>")), (200, true), "{body}");
    let (status, body) = ask(&guest("hello-http", Limits::default()), "/", b"").await.unwrap();
    assert_eq!((status, body.as_str()), (200, "hello\n"));
}

#[tokio::test]
async fn both_lanes_see_the_same_request_and_nothing_of_the_host() {
    for name in ["environ", "environ-http"] {
        let guest = guest(name, Limits::default());
        guest.probe().await.unwrap();
        let (_, body) = ask(&guest, "/cart?item=%C3%A4", b"some content").await.unwrap();
        for line in ["method: POST", "mount: /shop", "path: /cart", "query: item=%C3%A4", "id: r-1", "some content"] {
            assert!(body.contains(line), "{name}: no `{line}` in\n{body}");
        }
        assert!(body.contains("env GREETING=moin") && !body.contains("env PATH="), "{name}:\n{body}");
    }
}

#[tokio::test]
async fn an_instance_is_used_once() {
    let counter = guest("counter", Limits::default());
    let (_, first) = ask(&counter, "/", b"").await.unwrap();
    let (_, second) = ask(&counter, "/", b"").await.unwrap();
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_body_streams_through() {
    let (_, body) = ask(&guest("echo", Limits::default()), "/", b"over and back").await.unwrap();
    assert_eq!(body, "over and back");
}

async fn check_fault(name: &str, path: &'static str, expected: &str) {
    let fault = ask(&guest(name, quick()), path, b"").await.expect_err(name);
    let text = fault.to_string();
    assert!(text.contains(expected), "{name}: {text}");
}

#[tokio::test]
async fn guests_fail_in_their_own_ways() {
    check_fault("bad-trap", "/", "the guest trapped: wasm trap: wasm `unreachable`").await;
    check_fault("bad-trap-http", "/", "the guest trapped: wasm trap: wasm `unreachable`").await;
    check_fault("bad-late-trap", "/", "the guest trapped").await;
    check_fault("bad-loop", "/", "more than its 500ms of CPU time").await;
    check_fault("bad-loop-http", "/", "more than its 500ms of CPU time").await;
    check_fault("bad-loop-http", "/late", "more than its 500ms of CPU time").await;
    check_fault("bad-never", "/", "had not begun its response after 2s").await;
    check_fault("bad-never", "/late", "stood still for 2s").await;
    check_fault("bad-silent", "/", "returned without a response").await;
    check_fault("bad-stack", "/", "the guest trapped: wasm trap: ").await;
    check_fault("bad-exit", "/", "it called exit(1)").await;
    check_fault("misdeed-http03", "/trap", "the guest trapped: wasm trap: wasm `unreachable`").await;
    check_fault("misdeed-http03", "/hoard", "the guest trapped: ").await;
    check_fault("misdeed-http03", "/long", "its content-length says another number").await;
    check_fault("bad-headers", "/", "its head has").await;
    check_fault("bad-headers", "/?kind=split", "bytes that HTTP does not allow").await;
    check_fault("bad-headers", "/?kind=status&code=101", "its status is 101").await;
    check_fault("bad-headers", "/?kind=name", "is not a header's name").await;
}

#[tokio::test]
async fn a_response_beyond_the_limit_is_named() {
    let guest = guest("bad-big", Limits::default());
    for (path, expected) in [
        ("/", "it is larger than the limit"),
        ("/?bytes=16777217", "its body has 16777217 bytes, and the limit is 16777216"),
    ] {
        let fault = ask(&guest, path, b"").await.expect_err(path);
        assert!(fault.to_string().contains(expected), "{fault}");
    }
}

#[tokio::test]
async fn a_hoard_is_refused_and_named() {
    let limits = Limits { memory_bytes_max: 8 << 20, ..Limits::default() };
    let fault = ask(&guest("bad-memory", limits), "/", b"").await.expect_err("more than its memory");
    assert!(fault.to_string().starts_with("the guest ran out of memory (limit 8388608 bytes)"), "{fault}");
}

#[tokio::test]
async fn a_trap_leaves_a_backtrace() {
    let fault = ask(&guest("bad-trap", quick()), "/", b"").await.expect_err("a trap");
    assert!(fault.backtrace().is_some_and(|backtrace| backtrace.lines().count() > 1), "{fault:?}");
}

#[tokio::test]
async fn health_is_asked_before_a_revision_takes_over() {
    let fault = guest("bad-health", Limits::default()).probe().await.expect_err("it is not well");
    assert_eq!(fault.to_string(), "the guest reported an error: the database is asleep");
    guest("hello", Limits::default()).probe().await.unwrap();
}

#[tokio::test]
async fn an_endless_guest_lets_others_run_and_ends_with_its_visitor() {
    let (endless, hello) = (guest("bad-loop", Limits::default()), guest("hello", Limits::default()));
    let received = endless.receive(request("/", b"")).await.unwrap();
    let never = endless.call(received, Box::new(()));
    tokio::select! {
        _ = never => panic!("an endless guest answered"),
        answered = ask(&hello, "/", b"") => assert_eq!(answered.unwrap().0, 200),
    }
}

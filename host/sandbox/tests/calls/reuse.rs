//! How long an instance serves: once by default, and as long as it was asked to otherwise.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::future::select_all;
use futures_util::stream;
use guesthouse_sandbox::capability::CapabilityHostSettings;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_sandbox::engine::SandboxSettings;
use guesthouse_sandbox::guest::Guest;
use guesthouse_sandbox::limits::Limits;
use guesthouse_sandbox::settings::Instances;
use http::Method;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::StreamBody;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::harness::ask;
use crate::harness::guest;
use crate::harness::guest_in;
use crate::harness::quick;
use crate::harness::request;
use crate::harness::sandbox;

fn reused(requests_max: u32) -> Instances {
    Instances { requests_max, ..Instances::default() }
}

fn concurrent(concurrent_max: u32) -> Instances {
    Instances { concurrent_max, ..reused(1_000) }
}

fn small(memory_total_bytes_max: u64) -> Sandbox {
    let settings = SandboxSettings {
        memory_total_bytes_max,
        memory_bytes_max: 128 << 20,
        instances_max: 8,
        capabilities: CapabilityHostSettings::default(),
    };
    Sandbox::new(settings, TaskTracker::new()).unwrap()
}

async fn text(guest: &Guest, path: &'static str) -> String {
    let (status, text) = ask(guest, path, b"").await.unwrap();
    assert_eq!(status, 200, "{path}: {text}");
    text
}

#[tokio::test]
async fn nothing_is_carried_to_the_next_request_when_instances_are_not_reused() {
    for name in ["carry", "carry-http", "carry-http03"] {
        let guest = guest(name, Limits::default());
        for _ in 0..3 {
            let report = text(&guest, "/").await;
            assert!(report.lines().count() >= 6, "{name}: {report}");
            for line in report.lines() {
                assert!(line.contains(": found nothing,"), "{name}: {line}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_carried_otherwise_is_what_the_same_guests_find() {
    for name in ["carry", "carry-http", "carry-http03"] {
        let guest = guest_in(sandbox(), name, Limits::default(), reused(2));
        text(&guest, "/").await;
        let report = text(&guest, "/").await;
        assert!(report.contains("memory: found left by an earlier request"), "{name}: {report}");
        let report = text(&guest, "/").await;
        assert!(report.contains("memory: found nothing"), "a third request to an instance for two: {name}: {report}");
    }
}

#[tokio::test]
async fn an_instance_that_grows_is_replaced() {
    let tally = guest_in(sandbox(), "tally", Limits::default(), Instances { growth_bytes_max: 8 << 20, ..reused(100) });
    assert!(text(&tally, "/").await.starts_with("answered: 1\n"));
    assert!(text(&tally, "/grow?mib=4").await.starts_with("answered: 2\n"));
    assert!(text(&tally, "/").await.starts_with("answered: 3\n"));
    assert!(text(&tally, "/grow?mib=6").await.starts_with("answered: 4\n"));
    assert!(text(&tally, "/").await.starts_with("answered: 1\n"));
}

#[tokio::test]
async fn an_instance_that_fails_or_misses_a_deadline_is_replaced() {
    let meet = guest_in(sandbox(), "meet-http03", quick(), reused(100));
    assert_eq!(text(&meet, "/remember?a").await, "nothing\n");
    assert_eq!(text(&meet, "/remember?b").await, "a\n");
    let fault = ask(&meet, "/spin", b"").await.expect_err("it spins for ever");
    assert_eq!(fault.to_string(), "the guest used more than its 500ms of CPU time");
    assert_eq!(text(&meet, "/remember?c").await, "nothing\n");
    let fault = ask(&meet, "/wait", b"").await.expect_err("nobody rings");
    assert_eq!(fault.to_string(), "the guest had not begun its response after 2s");
    assert_eq!(text(&meet, "/remember?d").await, "nothing\n");
}

#[tokio::test]
async fn a_visitor_who_leaves_takes_the_instance_along() {
    let meet = guest_in(sandbox(), "meet-http03", Limits::default(), reused(100));
    assert_eq!(text(&meet, "/remember?a").await, "nothing\n");
    let received = meet.receive(request("/wait", b"")).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(50), meet.call(received, Box::new(()))).await;
    assert!(waiting.is_err());
    assert_eq!(text(&meet, "/remember?b").await, "nothing\n");
}

#[tokio::test]
async fn an_instance_gets_old_while_nobody_asks() {
    let sandbox = small(1 << 30);
    let tally = guest_in(&sandbox, "tally", Limits::default(), reused(100));
    assert!(text(&tally, "/").await.starts_with("answered: 1\n"));
    assert!(text(&tally, "/").await.starts_with("answered: 2\n"));
    tokio::time::pause();
    let almost = tokio::time::timeout(Duration::from_secs(59), sandbox.tend()).await;
    assert!(almost.is_err(), "it is tended for ever");
    tokio::time::resume();
    assert!(text(&tally, "/").await.starts_with("answered: 3\n"));
    tokio::time::pause();
    let _ = tokio::time::timeout(Duration::from_secs(61), sandbox.tend()).await;
    tokio::time::resume();
    assert!(text(&tally, "/").await.starts_with("answered: 1\n"));
}

#[tokio::test]
async fn instances_that_wait_make_room_for_those_that_work() {
    let sandbox = small(48 << 20);
    let roomy = Instances { growth_bytes_max: 64 << 20, ..reused(100) };
    let first = guest_in(&sandbox, "tally", Limits::default(), roomy.clone());
    let second = guest_in(&sandbox, "tally", Limits::default(), roomy);
    assert!(text(&first, "/grow?mib=30").await.starts_with("answered: 1\n"));
    assert!(text(&second, "/grow?mib=30").await.starts_with("answered: 1\n"));
    assert!(text(&second, "/").await.starts_with("answered: 2\n"), "the younger one stays");
    assert!(text(&first, "/").await.starts_with("answered: 1\n"), "the older one had to go");
}

#[tokio::test]
async fn requests_meet_in_one_instance_when_that_is_asked_for() {
    let cores = available_parallelism().map_or(1, usize::from);
    let meet = guest_in(sandbox(), "meet-http03", Limits::default(), concurrent(16));
    // With somebody waiting in each instance that there will be, whoever comes next meets one of them.
    let waiting = (0..cores).map(|_| Box::pin(ask(&meet, "/wait", b"")));
    let ringing = async {
        while !text(&meet, "/count").await.contains("serving 2") {}
        text(&meet, "/ring").await
    };
    let ((met, _, others), rung) = tokio::join!(select_all(waiting), ringing);
    assert_eq!((met.unwrap().0, rung.as_str(), others.len()), (200, "rang for 1\n", cores - 1));

    let alone = guest_in(sandbox(), "meet-http03", quick(), concurrent(1));
    let (waited, rung) = tokio::join!(ask(&alone, "/wait", b""), ask(&alone, "/ring", b""));
    assert_eq!(rung.unwrap().1, "rang for 0\n");
    assert!(waited.is_err(), "one at a time never meets another");
}

#[tokio::test]
async fn a_request_that_spins_ends_in_time_and_its_siblings_with_it() {
    let cores = available_parallelism().map_or(1, usize::from);
    let limits = Limits { head: Duration::from_secs(60), cpu: Duration::from_millis(300), ..Limits::default() };
    let meet = guest_in(sandbox(), "meet-http03", limits, concurrent(16));
    let waiting = (0..cores).map(|_| ask(&meet, "/wait", b""));
    let spinning = async {
        // Once everyone waits: an instance that nobody has entered would be taken otherwise.
        tokio::task::yield_now().await;
        ask(&meet, "/spin", b"").await
    };
    let first = select_all(waiting.map(Box::pin));
    let ((sibling, _, others), spun) = tokio::join!(first, spinning);
    assert_eq!(spun.expect_err("it spins").to_string(), "the guest used more than its 300ms of CPU time");
    let text = sibling.expect_err("it lost its instance").to_string();
    assert_eq!(
        text,
        "the instance that it shared with other requests ended: the guest used more than its 300ms of CPU time"
    );
    assert_eq!(others.len(), cores - 1, "nobody else noticed");
    assert_eq!(ask(&meet, "/remember?a", b"").await.unwrap().1, "nothing\n");
}

#[tokio::test]
async fn a_deadline_is_kept_while_a_sibling_spins() {
    let limits = Limits { head: Duration::from_secs(1), cpu: Duration::from_secs(60), ..Limits::default() };
    let meet = guest_in(sandbox(), "meet-http03", limits, concurrent(16));
    let cores = available_parallelism().map_or(1, usize::from);
    let spinning: Vec<_> = (0..=cores).map(|_| ask(&meet, "/spin", b"")).collect();
    for spun in join_all(spinning).await {
        let text = spun.expect_err("it spins").to_string();
        assert!(text.contains("had not begun its response after 1s"), "{text}");
    }
}

#[tokio::test]
async fn what_a_request_holds_is_given_back_when_its_visitor_leaves_a_guest_that_spins() {
    let meet = guest_in(sandbox(), "meet-http03", Limits::default(), concurrent(16));
    let (stay, gone) = oneshot::channel::<()>();
    let received = meet.receive(request("/spin", b"")).await.unwrap();
    let left = tokio::time::timeout(Duration::from_millis(50), meet.call(received, Box::new(stay))).await;
    assert!(left.is_err());
    assert!(gone.await.is_err(), "dropped with the instance");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_share_few_instances() {
    let meet = Arc::new(guest_in(sandbox(), "meet-http03", Limits::default(), concurrent(8)));
    let tasks = TaskTracker::new();
    let mut reports: Vec<String> = Vec::new();
    for _wave in 0..10 {
        let ask = |meet: Arc<Guest>| tasks.spawn(async move { text(&meet, "/count").await });
        let asked: Vec<_> = (0..32).map(|_| ask(meet.clone())).collect();
        reports.extend(join_all(asked).await.into_iter().map(Result::unwrap));
    }
    let seen =
        |report: &String| report.split(|byte: char| !byte.is_ascii_digit()).find_map(|number| number.parse().ok());
    let most: u32 = reports.iter().filter_map(seen).max().unwrap();
    assert!(most > 10, "an instance saw {most} requests at most: {}", reports[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_response_is_complete_when_it_arrives_whoever_else_is_in_the_instance() {
    let hello = Arc::new(guest_in(sandbox(), "hello-http03", Limits::default(), concurrent(16)));
    let tasks = TaskTracker::new();
    let mut complete = 0;
    for _wave in 0..10 {
        let asked = (0..32).map(|_| {
            let hello = hello.clone();
            tasks.spawn(async move {
                let received = hello.receive(request("/", b"")).await.unwrap();
                hello.call(received, Box::new(())).await.unwrap().into_body().size_hint().exact()
            })
        });
        complete += join_all(asked).await.into_iter().filter(|length| *length.as_ref().unwrap() == Some(6)).count();
    }
    // Where the clock ticks between a head and its body, the head goes ahead: on a slow machine that is often.
    assert!(complete > 32, "{complete} of 320");
}

#[tokio::test]
async fn what_a_guest_wrote_before_it_waits_is_not_held_back_in_a_shared_instance() {
    let flow = guest_in(sandbox(), "flow-http03", Limits::default(), concurrent(16));
    let (more, ended) = oneshot::channel::<()>();
    let nothing = stream::once(ended).filter_map(|_| async { None });
    let mut question = request("/early", b"");
    question.method = Method::POST;
    question.body = StreamBody::new(nothing).boxed_unsync();
    let received = flow.receive(question).await.unwrap();
    let mut body = flow.call(received, Box::new(())).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "first\n", "and the request's body has not ended");
    drop(more);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "last\n");
}

//! Starlette, unmodified: ASGI, one request at a time.

use bytes::Bytes;
use http::Method;

use crate::frameworks::visit::Visit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coroutines_timers_bodies_and_streams_work() {
    let Some(mut visit) = Visit::of("starlette").await else { return };
    assert!(visit.get("/").await.text().contains("<h1>Starlette</h1>"));
    let echoed = visit.ask(Method::POST, "/echo?a=1", "text/plain", Bytes::from(vec![b'x'; 300_000])).await;
    assert_eq!(echoed.text(), "{\"length\":300000,\"query\":{\"a\":\"1\"}}");
    assert_eq!(visit.get("/stream").await.text(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_run_inline_and_the_start_is_done_once() {
    let Some(mut visit) = Visit::of("starlette").await else { return };
    let plain = visit.get("/plain").await.text();
    assert!(plain.starts_with("{\"started\":[\"started\"],"), "{plain}");
}

//! Bottle, unmodified.

use http::StatusCode;

use crate::frameworks::visit::Visit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_templates_json_forms_cookies_and_streams_work() {
    let Some(mut visit) = Visit::of("bottle").await else { return };
    assert!(visit.get("/").await.text().contains("<dt>wall<dd>what is between them"));
    let word = visit.get("/words/wall").await;
    assert_eq!(word.text(), "{\"word\": \"wall\", \"meaning\": \"what is between them\"}");
    assert_eq!(word.header("content-type"), "application/json");
    assert_eq!(visit.get("/words/roof").await.status, StatusCode::NOT_FOUND);
    let shouted = visit.post("/shout", "text=hello+there").await;
    assert_eq!((shouted.text().as_str(), shouted.header("set-cookie")), ("HELLO THERE", "shouted=yes"));
    assert_eq!(visit.get("/stream").await.text(), "host\nguest\nwall\n");
}

//! web.py, unmodified.

use http::StatusCode;

use crate::frameworks::visit::Visit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_templates_and_generators_work() {
    let Some(mut visit) = Visit::of("webpy").await else { return };
    assert!(visit.get("/").await.text().contains("<h1>1 + 2 = 3</h1>"));
    assert_eq!(visit.get("/hello/Ada").await.text(), "hello Ada");
    assert_eq!(visit.get("/stream").await.text(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
    assert_eq!(visit.get("/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_cookies_uploads_and_redirects_work() {
    let Some(mut visit) = Visit::of("webpy").await else { return };
    let sent = visit.post("/", "a=40&b=2").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert!(sent.header("location").ends_with("/?a=40&b=2"), "{sent:?}");
    assert_eq!(sent.headers.get_all("set-cookie").iter().count(), 2);
    assert!(visit.get("/?a=40&b=2").await.text().contains("<h1>40 + 2 = 42</h1>"));
    assert_eq!(visit.upload("/upload", "x.bin", &[7; 100_000]).await.text(), "x.bin: 100000 bytes");
    assert_eq!(visit.get("/old").await.status, StatusCode::MOVED_PERMANENTLY);
}

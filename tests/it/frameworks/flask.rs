//! Flask, unmodified: what its users use it for.

use guesthouse_types::name::Digest;
use http::StatusCode;

use crate::frameworks::visit::Visit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_messages_live_in_signed_cookies() {
    let Some(mut visit) = Visit::of("flask").await else { return };
    assert!(visit.get("/").await.text().contains("visit number 1"));
    assert!(visit.get("/").await.text().contains("visit number 2"));
    let reply = visit.post("/", "name=Ada+%3Cb%3E").await;
    assert_eq!((reply.status, reply.header("location")), (StatusCode::FOUND, "/"));
    let page = visit.get("/").await.text();
    assert!(page.contains("Thank you, Ada &lt;b&gt;!") && page.contains("<li>Ada &lt;b&gt;</li>"), "{page}");
    let page = visit.get("/").await.text();
    assert!(!page.contains("Thank you") && page.contains("<li>Ada &lt;b&gt;</li>"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_inherit() {
    let Some(mut visit) = Visit::of("flask").await else { return };
    let page = visit.get("/hello/Ada").await.text();
    assert!(page.contains("<title>Hello</title>") && page.contains("<h1>Hello, Ada!</h1>"), "{page}");
    assert!(page.contains("href=\"/static/book.css\""), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_files_are_served_and_revalidated() {
    let Some(mut visit) = Visit::of("flask").await else { return };
    let file = visit.get("/static/book.css").await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(file.text().contains("max-width: 40rem") && !file.header("etag").is_empty(), "{file:?}");
    assert_eq!(visit.get("/static/../app.py").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_small_and_large_arrive_whole() {
    let Some(mut visit) = Visit::of("flask").await else { return };
    // Beyond 500 KB, Werkzeug wants a temporary file.
    for length in [1000, 2_000_000] {
        let content: Vec<u8> = (0..length).map(|at: u32| (at % 253) as u8).collect();
        let reply = visit.upload("/upload", "x.bin", &content).await;
        let expected = format!("\"sha256\":\"{}\"", Digest::of(&content));
        assert!(reply.text().contains(&expected) && reply.text().contains("\"name\":\"x.bin\""), "{}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generator_with_pauses_streams() {
    let Some(mut visit) = Visit::of("flask").await else { return };
    assert_eq!(visit.get("/stream").await.text(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_have_their_pages() {
    let Some(mut visit) = Visit::of("flask").await else { return };
    let missing = visit.get("/nowhere").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text().contains("There is no such page"), "{}", missing.text());
    let failed = visit.get("/error").await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!failed.text().contains("raised on purpose"), "{}", failed.text());
    assert_eq!(visit.post("/hello/Ada", "").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_hold_under_a_mount() {
    let Some(address) = crate::frameworks::hall::hall().await else { return };
    let page = crate::harness::client::Client::new(address).get("/flask/hello/Ada").await.text();
    assert!(page.contains("href=\"/flask/static/book.css\""), "{page}");
}

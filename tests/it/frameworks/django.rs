//! Django, unmodified: a default project with an app, on SQLite.

use http::StatusCode;

use crate::frameworks::visit::Visit;
use crate::harness::webdriver::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_writes_through_the_orm_and_a_message_says_so() {
    let Some(mut visit) = Visit::of("django").await else { return };
    let form = visit.get("/books/add/").await.text();
    let token = Visit::token(&form);
    let sent = visit.post("/books/add/", &format!("csrfmiddlewaretoken={token}&title=Emma&author=Austen")).await;
    assert_eq!((sent.status, sent.header("location")), (StatusCode::FOUND, "/"), "{}", sent.text());
    let shelf = visit.get("/").await.text();
    assert!(shelf.contains("<li>Emma by Austen</li>") && shelf.contains("is on the shelf now"), "{shelf}");
    // For everybody, not for this visitor alone.
    let Some(mut other) = Visit::of("django").await else { return };
    assert!(other.get("/").await.text().contains("<li>Emma by Austen</li>"));
    // And not twice.
    let token = Visit::token(&visit.get("/books/add/").await.text());
    let again = visit.post("/books/add/", &format!("csrfmiddlewaretoken={token}&title=emma")).await;
    assert!(again.text().contains("This book is on the shelf already."), "{}", again.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_its_token_is_refused() {
    let Some(mut visit) = Visit::of("django").await else { return };
    assert_eq!(visit.post("/books/add/", "title=Forged").await.status, StatusCode::FORBIDDEN);
    assert!(!visit.get("/").await.text().contains("Forged"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_kept_in_the_database() {
    let Some(mut visit) = Visit::of("django").await else { return };
    assert!(visit.get("/").await.text().contains("visit number 1"));
    assert!(visit.get("/").await.text().contains("visit number 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_logs_in_and_edits() {
    let Some(mut visit) = Visit::of("django").await else { return };
    let page = visit.get("/admin/login/?next=/admin/").await.text();
    let login = format!("csrfmiddlewaretoken={}&username=ada&password=analytical", Visit::token(&page));
    let sent = visit.post("/admin/login/?next=/admin/", &login).await;
    assert_eq!((sent.status, sent.header("location")), (StatusCode::FOUND, "/admin/"), "{}", sent.text());
    let token = Visit::token(&visit.get("/admin/books/book/add/").await.text());
    let added = visit
        .post("/admin/books/book/add/", &format!("csrfmiddlewaretoken={token}&title=Persuasion&author=&_save=Save"))
        .await;
    assert_eq!(added.status, StatusCode::FOUND, "{}", added.text());
    let list = visit.get("/admin/books/book/").await.text();
    assert!(list.contains("Persuasion") && list.contains("was added successfully"), "{list}");

    let Some(mut stranger) = Visit::of("django").await else { return };
    let wrong = Visit::token(&stranger.get("/admin/login/").await.text());
    let refused = stranger.post("/admin/login/", &format!("csrfmiddlewaretoken={wrong}&username=ada&password=x")).await;
    assert!(refused.text().contains("Please enter the correct username and password"), "{}", refused.text());
    assert_eq!(stranger.get("/admin/books/book/").await.status, StatusCode::FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_files_of_the_app_and_of_the_admin_are_served() {
    let Some(mut visit) = Visit::of("django").await else { return };
    let page = visit.get("/books/add/").await.text();
    assert!(page.contains("href=\"/static/books/shelf.css\""), "{page}");
    for (path, word) in [("/static/books/shelf.css", "max-width: 40rem"), ("/static/admin/css/base.css", "--primary")] {
        let file = visit.get(path).await;
        assert!(file.status == StatusCode::OK && file.text().contains(word), "{path}: {}", file.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streaming_response_streams() {
    let Some(mut visit) = Visit::of("django").await else { return };
    assert_eq!(visit.get("/stream/").await.text(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_with_a_browser_logs_in_adds_a_book_and_sees_it() {
    let Some(visit) = Visit::of("django").await else { return };
    let Some(mut browser) = Browser::open().await else { return };
    browser.go(&format!("http://django.localhost:{}/admin/", visit.port())).await;
    browser.fill("input[name=username]", "ada").await;
    browser.fill("input[name=password]", "analytical").await;
    browser.click("input[type=submit]").await;
    browser.until_it_shows("Site administration").await;
    browser.go(&format!("http://django.localhost:{}/admin/books/book/add/", visit.port())).await;
    browser.fill("input[name=title]", "Middlemarch").await;
    browser.fill("input[name=author]", "George Eliot").await;
    browser.click("input[name=_save]").await;
    browser.until_it_shows("was added successfully").await;
    browser.go(&format!("http://django.localhost:{}/", visit.port())).await;
    browser.until_it_shows("Middlemarch by George Eliot").await;
}

//! Pages in a real browser: headless Chromium, as visitors have it.

use std::path::PathBuf;
use std::process::Stdio;

use guesthouse_test_guests as guest;
use tokio::process::Command;

use crate::harness::host::TestHost;
use crate::harness::webdriver::Browser;
use crate::harness::within;

/// Chromium, if it is installed. Where it must be there (CI sets `GUESTHOUSE_REQUIRE_CHROMIUM`), its absence is a failure.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|program| program.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("GUESTHOUSE_REQUIRE_CHROMIUM").is_none(),
            "chromium is not installed, and CI needs it"
        );
        eprintln!("NOT TESTED IN A BROWSER: chromium is not installed (Debian: apt-get install chromium)");
    }
    found
}

/// The page's document as the browser has it after its scripts and styles.
async fn document(url: &str) -> Option<String> {
    let program = chromium()?;
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = within("chromium", command.output()).await.unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_is_a_heading_in_a_browser() {
    let host = TestHost::new().app("hello", guest::bytes(guest::HELLO)).run().await;
    let port = host.address.port();
    for url in [format!("http://localhost:{port}/hello/"), format!("http://hello.localhost:{port}/")] {
        let Some(document) = document(&url).await else { return };
        assert!(document.contains("<h1>hello</h1>"), "{url}: {document}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inspect_shows_a_browser_its_own_request() {
    let host = TestHost::new().app("inspect", guest::bytes(guest::INSPECT)).run().await;
    let url = format!("http://inspect.localhost:{}/a?colour=blue", host.address.port());
    let Some(document) = document(&url).await else { return };
    for shown in ["Mozilla/5.0", "accept-language", "colour", "GET"] {
        assert!(document.contains(shown), "no `{shown}` in {document}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_page_is_a_page() {
    let host = TestHost::new().run().await;
    let Some(document) = document(&format!("http://localhost:{}/nowhere", host.address.port())).await else { return };
    assert!(document.contains("404") && document.contains("<h1"), "{document}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_types_into_todo_and_sees_it() {
    let Some(mut browser) = Browser::open().await else { return };
    let host = TestHost::new().app("todo", guest::bytes(guest::TODO)).run().await;
    browser.go(&format!("http://todo.localhost:{}/", host.address.port())).await;
    browser.fill("input[name=text]", "sweep the stairs").await;
    browser.click("form.add button").await;
    browser.until_it_shows("sweep the stairs").await;
}

//! What an author sees in a browser under `guesthouse dev`: pages that load themselves again, and a note over them while the
//! newest source does not build.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use http::Request;
use http::StatusCode;
use http::header::ACCEPT;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use rustix::process::Signal;
use tokio::sync::MutexGuard;

use crate::dev::PAGE_FOLDER;
use crate::dev::write_crate;
use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::client::http2;
use crate::harness::client::post;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::webdriver::Browser;
use crate::harness::within;

/// The note, as somebody reads it who sees the page: that it does not reach the page's own text is part of the claim.
const NOTE: &str = "(() => { const dialog = document.querySelector('guesthouse-note')?.shadowRoot.querySelector('dialog'); \
                    return dialog?.open ? dialog.innerText + getComputedStyle(dialog).position : 'no note'; })()";

/// What WebDriver calls Escape (section 17.4.2).
const ESCAPE: &str = "\u{e00c}";

/// An app whose page says `says` under a policy that allows nothing, and with other answers beside it.
fn write_app(folder: &Path, says: &str) {
    let source = format!(
        r#"use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;
use guesthouse::http::HeaderValue;
use guesthouse::http::header;

guesthouse::app!(handle);

fn handle(request: Request) -> Response {{
    let plain = Response::html("<!doctype html><h1>{says}</h1>");
    match request.uri().path() {{
        "/events" => Response::content("text/event-stream", "data: its own\n\n"),
        "/asked" => Response::html(format!("{{:?}}", request.headers().get(header::ACCEPT_ENCODING))),
        "/packed" => plain.with_header(header::CONTENT_ENCODING, HeaderValue::from_static("x-own")),
        "/boxed" => plain.with_header(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox")),
        "/" => plain.with_header(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
        _ => plain,
    }}
}}
"#
    );
    fs::write(folder.join("src/lib.rs"), source).unwrap();
}

/// The turn is kept until the test ends.
async fn start(home: &Path, more: &[&str]) -> (Process, SocketAddr, MutexGuard<'static, ()>) {
    let turn = PAGE_FOLDER.lock().await;
    let arguments = [&["dev", "my-app", "--listen", "127.0.0.1:0"], more].concat();
    let mut command = command(&arguments, home);
    let mut dev = Process::spawn(command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/dev-page")));
    let line = dev.says("listening on http://").await;
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    (dev, address, turn)
}

async fn end(dev: Process) {
    dev.signal(Signal::INT);
    assert_eq!(dev.ended().await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_loads_itself_again_and_a_failed_build_lies_over_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    write_crate(&folder, "");
    write_app(&folder, "one");
    let (dev, address, _turn) = start(home.path(), &[]).await;
    // Not before its turn: a driver ends connections on which nothing is said for long.
    let Some(mut browser) = Browser::open().await else { return };

    // From here on nobody clicks: what is shown first says that it is built.
    browser.go(&format!("http://my-app.localhost:{}/", address.port())).await;
    browser.until_it_shows("one").await;
    write_app(&folder, "two");
    browser.until_it_shows("two").await;

    fs::write(folder.join("src/lib.rs"), "guesthouse::app!(no_such_name); // <b>`not bold`</b>\n").unwrap();
    browser.until("the note", NOTE, |shown| shown.contains("The source of my-app does not build.")).await;
    browser
        .until("the error, above the page", NOTE, |shown| {
            shown.contains("no_such_name") && shown.contains("<b>") && shown.ends_with("fixed")
        })
        .await;
    browser.until_it_shows("two").await;
    browser.fill("body", ESCAPE).await;
    browser.until("a note that is closed", NOTE, |shown| shown == "no note").await;

    write_app(&folder, "three");
    browser.until_it_shows("three").await;
    browser.until("a page without a note", NOTE, |shown| shown == "no note").await;
    end(dev).await;
}

async fn page(client: &mut Client, path: &str, fields: &[(&'static str, &str)]) -> Reply {
    let mut asked = get(path);
    asked.headers_mut().insert(ACCEPT, "text/html".parse().unwrap());
    fields.iter().for_each(|(name, value)| _ = asked.headers_mut().insert(*name, value.parse().unwrap()));
    client.send(asked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_page_that_a_browser_shows_gets_something_at_its_end() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    write_crate(&folder, "");
    write_app(&folder, "one");
    let (mut dev, address, _turn) = start(home.path(), &[]).await;
    dev.says("http://my-app.localhost:").await;
    let mut client = Client::new(address);
    let is_extended = |reply: &Reply| reply.text().contains("<script data-app=\"my-app\" data-since=\"");

    let plain = page(&mut client, "/my-app/plain", &[]).await;
    assert!(is_extended(&plain) && plain.header("cache-control") == "no-store", "{}", plain.text());
    let strict = page(&mut client, "/my-app/", &[]).await;
    let policy = strict.header("content-security-policy");
    assert!(is_extended(&strict) && policy.starts_with("default-src 'none'; script-src-elem 'sha256-"), "{policy}");
    assert!(policy.ends_with("'; connect-src 'self'"), "{policy}");
    // What an app would compress has nothing at its end, so that it is not asked to.
    let asked = page(&mut client, "/my-app/asked", &[("accept-encoding", "gzip")]).await;
    assert!(asked.text().starts_with("None") && is_extended(&asked), "{}", asked.text());
    assert!(is_extended(&page(&mut client, "/my-app/plain", &[("sec-fetch-dest", "document")]).await));

    for (path, fields) in [
        ("/my-app/events", &[][..]),
        ("/my-app/packed", &[]),
        ("/my-app/boxed", &[]),
        ("/my-app/plain", &[("sec-fetch-dest", "empty")]),
        ("/my-app/plain", &[("accept", "*/*")]),
    ] {
        let reply = page(&mut client, path, fields).await;
        assert!(!reply.text().contains("<script") && reply.header("cache-control").is_empty(), "{path} {fields:?}");
    }
    let mut posted = post("/my-app/plain", "");
    posted.headers_mut().insert(ACCEPT, "text/html".parse().unwrap());
    assert!(!client.send(posted).await.text().contains("<script"), "nothing is sent a second time");
    // Pages of the host itself, with the policy that they have.
    let nowhere = page(&mut client, "/nowhere", &[]).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert!(nowhere.text().contains("<script data-app=\"\" data-since=\""), "{}", nowhere.text());
    assert!(nowhere.header("content-security-policy").contains("script-src-elem 'sha256-"));
    end(dev).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_told_on_both_protocols_and_a_listener_keeps_nobody_from_ending() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    write_crate(&folder, "");
    write_app(&folder, "one");
    let (mut dev, address, _turn) = start(home.path(), &[]).await;
    dev.says("http://my-app.localhost:").await;
    let mut client = Client::new(address);
    let shown = page(&mut client, "/my-app/plain", &[]).await.text();
    let since = shown.split("data-since=\"").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/_guesthouse/changes?app=my-app&since={since}");
    let mut sender = http2(address).await;
    let asked = Request::get(format!("http://my-app.localhost{path}")).body(Full::default()).unwrap();
    let mut told = within("a head", sender.send_request(asked)).await.unwrap();
    assert_eq!(told.headers()["content-type"], "text/event-stream");
    let first = within("the first frame", told.body_mut().frame()).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "retry: 500\n\n");

    write_app(&folder, "two");
    let rest = within("the change", told.into_body().collect()).await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: changed\n\n"), "{rest:?}");
    let again = client.get(&path).await;
    assert_eq!(again.text(), "retry: 500\n\ndata: changed\n\n", "whoever comes late is told at once");
    assert!(page(&mut client, "/my-app/plain", &[]).await.text().contains("two"));
    assert_eq!(client.get("/_guesthouse/other").await.status, StatusCode::NOT_FOUND);
    let mut foreign = get(&path);
    foreign.headers_mut().insert("host", "elsewhere.example".parse().unwrap());
    assert_eq!(client.send(foreign).await.status, StatusCode::MISDIRECTED_REQUEST);

    // A page that listens is there in a browser all the time.
    let asked = Request::get("http://my-app.localhost/_guesthouse/changes?app=other&since=99999999999999999");
    let mut open = within("a head", sender.send_request(asked.body(Full::default()).unwrap())).await.unwrap();
    within("the first frame", open.body_mut().frame()).await.unwrap().unwrap();
    end(dev).await;
    assert!(within("the end", open.into_body().collect()).await.unwrap().to_bytes().is_empty());
}

//! Static files: what the host answers without the guest, and what it never does.

use std::fs;
use std::fs::File;
use std::os::unix::fs::symlink;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use http::HeaderName;
use http::Method;
use http::Request;
use http::StatusCode;
use http_body_util::Full;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::client::post;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::process::Process;
use crate::harness::visitor::Visitor;
use crate::harness::within;

const ROOT: &str = "[[static]]\nfolder = \"_site\"\n";

/// The guest `fields`, which tells what it is asked, as `site`, with files in `_site`.
fn site(manifest: &str, files: &[(&str, &str)]) -> TestHost {
    let host = TestHost::new().app("site", guest::bytes(guest::FIELDS)).manifest("site", manifest);
    for (name, content) in files {
        host.apps.rename_in(&format!("_site/{name}"), content);
    }
    host
}

fn with(mut request: Request<Full<Bytes>>, fields: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    for (name, value) in fields {
        request.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    request
}

async fn ask(host: &Running, path: &str, fields: &[(&'static str, &str)]) -> Reply {
    host.send(with(get(path), fields)).await
}

fn is_of_guest(reply: &Reply) -> bool {
    reply.text().starts_with("the guest: ")
}

#[tokio::test]
async fn a_file_is_answered_by_the_host_and_everything_else_by_the_guest() {
    let host = site(ROOT, &[("app.css", "p {}"), ("a/b c.txt", "ä"), ("empty", "")]).run().await;
    for reply in [host.get("/site/app.css?v=1").await, host.get_at("site.localhost", "/app.css").await] {
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "p {}"));
        for (name, value) in [
            ("content-type", "text/css; charset=utf-8"),
            ("content-length", "4"),
            ("cache-control", "no-cache"),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(reply.header(name), value, "{name}");
        }
        assert!(!reply.header("x-request-id").is_empty() && !reply.header("last-modified").is_empty(), "{reply:?}");
    }
    assert_eq!(host.get("/site/a/b%20c.txt").await.text(), "ä");
    assert_eq!(host.get("/site/empty").await.header("content-length"), "0");
    for path in ["/site/", "/site/other", "/site/a", "/site/a/", "/site/app.css/", "/site/APP.css", "/site//app.css"] {
        let reply = host.get(path).await;
        assert!(is_of_guest(&reply), "{path}: {}", reply.text());
    }
    assert_eq!(host.send(post("/site/app.css", "x")).await.text(), "the guest: POST /app.css\n");
    let mut options = get("/site/app.css");
    *options.method_mut() = Method::OPTIONS;
    assert!(is_of_guest(&host.send(options).await));
}

#[tokio::test]
async fn head_says_what_get_says() {
    let host = site(ROOT, &[("app.css", "p {}"), ("empty", ""), ("large.txt", &"line\n".repeat(50_000))]).run().await;
    for path in ["/site/app.css", "/site/empty", "/site/large.txt"] {
        let mut head = get(path);
        *head.method_mut() = Method::HEAD;
        let (mut whole, mut head) = (host.get(path).await, host.send(head).await);
        assert!(head.body.is_empty());
        for reply in [&mut whole, &mut head] {
            reply.headers.remove("date");
            reply.headers.remove("x-request-id");
        }
        assert_eq!(whole.headers, head.headers, "{path}");
    }
}

#[tokio::test]
async fn a_folder_stands_for_its_index() {
    let files = [("index.html", "<h1>home</h1>"), ("docs/index.html", "<h1>docs</h1>"), ("img/a.png", "x")];
    let host = site(ROOT, &files).run().await;
    assert_eq!(host.get("/site/").await.text(), "<h1>home</h1>");
    assert_eq!(host.get("/site/docs/").await.text(), "<h1>docs</h1>");
    let reply = host.get("/site/docs?q=1").await;
    assert_eq!((reply.status, reply.header("location")), (StatusCode::PERMANENT_REDIRECT, "/site/docs/?q=1"));
    let own = host.get_at("site.localhost", "/docs").await;
    assert_eq!((own.status, own.header("location")), (StatusCode::PERMANENT_REDIRECT, "/docs/"));
    // Nothing is ever listed.
    for path in ["/site/img", "/site/img/"] {
        assert!(is_of_guest(&host.get(path).await), "{path}");
    }
}

#[tokio::test]
async fn folders_stand_where_the_manifest_says_in_its_order() {
    let manifest = "[[static]]\nfolder = \"_site\"\npath = \"/static\"\ncache = \"1h\"\nindex = \"\"\n\
                    [[static]]\nfolder = \"_more/dist\"\npath = \"/static\"\n";
    let host = site(manifest, &[("one.txt", "one"), ("index.html", "no index")]);
    for (name, content) in [("one.txt", "another"), ("two.txt", "two"), ("index.html", "home")] {
        host.apps.rename_in(&format!("_more/dist/{name}"), content);
    }
    let host = host.run().await;
    let one = host.get("/site/static/one.txt").await;
    assert_eq!((one.text().as_str(), one.header("cache-control")), ("one", "max-age=3600"));
    let two = host.get("/site/static/two.txt").await;
    assert_eq!((two.text().as_str(), two.header("cache-control")), ("two", "no-cache"));
    assert_eq!(host.get("/site/static/").await.text(), "home");
    assert_eq!(host.get("/site/static").await.header("location"), "/site/static/");
    for path in ["/site/one.txt", "/site/statics/one.txt", "/site/"] {
        assert!(is_of_guest(&host.get(path).await), "{path}");
    }
}

#[tokio::test]
async fn the_fallback_answers_a_navigation_that_neither_file_nor_guest_knows() {
    let manifest = "[[static]]\nfolder = \"_site\"\npath = \"/app\"\nfallback = \"shell.html\"\ncache = \"1h\"\n";
    let host = site(manifest, &[("shell.html", "<h1>shell</h1>")]).run().await;
    let page: &[(&'static str, &str)] = &[("accept", "text/html,*/*;q=0.8")];
    let navigation: &[(&'static str, &str)] = &[("sec-fetch-mode", "navigate")];
    for fields in [page, navigation] {
        let reply = ask(&host, "/site/app/deep/link?status=404", fields).await;
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "<h1>shell</h1>"));
        assert_eq!(reply.header("cache-control"), "no-cache");
    }
    for (path, fields, status) in [
        ("/site/app/deep?status=200", page, 200),
        ("/site/app/deep?status=410", page, 410),
        ("/site/elsewhere?status=404", page, 404),
        ("/site/app/x.js?status=404", &[("accept", "*/*")][..], 404),
        ("/site/app/x.js?status=404", &[("accept", "text/html"), ("sec-fetch-mode", "cors")][..], 404),
    ] {
        let reply = ask(&host, path, fields).await;
        assert!(is_of_guest(&reply) && reply.status == status, "{path} {fields:?}: {reply:?}");
    }
    let sent = host.send(with(post("/site/app/deep?status=404", ""), page)).await;
    assert!(is_of_guest(&sent) && sent.status == StatusCode::NOT_FOUND);
    fs::remove_file(host.apps.file("_site/shell.html")).unwrap();
    assert!(is_of_guest(&ask(&host, "/site/app/deep?status=404", page).await));
}

#[tokio::test]
async fn nothing_outside_of_the_folder_and_nothing_hidden_is_ever_sent() {
    let host = site(ROOT, &[("page.txt", "page"), (".env", "secret"), ("_draft", "secret"), (".git/config", "secret")]);
    let (base, at) = (host.home().to_owned(), host.apps.file("_site"));
    fs::write(base.join("secret"), "secret").unwrap();
    fs::write(host.apps.file("_secret"), "secret").unwrap();
    fs::create_dir(at.join("sub")).unwrap();
    symlink("../../../secret", at.join("sub/out")).unwrap();
    symlink(base.join("secret"), at.join("absolute")).unwrap();
    symlink("..", at.join("up")).unwrap();
    symlink("loop", at.join("loop")).unwrap();
    symlink("../page.txt", at.join("sub/within")).unwrap();
    symlink("/proc/self/root", at.join("magic")).unwrap();
    let fifo = rustix::fs::mknodat(
        rustix::fs::CWD,
        at.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    );
    fifo.unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at.join("socket")).unwrap();
    let host = host.run().await;
    for path in [
        "/_secret",
        "/..%2f_secret",
        "/%2e%2e%2f_secret",
        "/%2E%2E%2F_secret",
        "/..%252f_secret",
        "/%252e%252e%252f_secret",
        "/..%5c_secret",
        "/%2e%2e%5c%2f_secret",
        "/..%255c_secret",
        "/sub%2f..%2f..%2f_secret",
        "/sub%2fout",
        "/sub%2Fwithin",
        "/up%2f_secret",
        "/sub/%2fetc/passwd",
        "/sub%2f%2fetc%2fpasswd",
        "/%2f..%2fsecret",
        "/%2e%2fpage.txt",
        "/../_secret",
        "/%2e%2e/_secret",
        "/.%2E/_secret",
        "/sub/out",
        "/absolute",
        "/up/_secret",
        "/up/site.toml",
        "/site.toml",
        "/site.wasm",
        "/loop",
        "/.env",
        "/%2eenv",
        "/_draft",
        "/%5fdraft",
        "/.git/config",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/magic/etc/hostname",
        "/page.txt%00.js",
        "/page.txt%5c..",
        "/sub\u{5c}out",
        "/fifo",
        "/socket",
        "/sub",
        "/sub/",
    ] {
        let mut visitor = Visitor::connect(host.address).await;
        visitor.send(format!("GET /site{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")).await;
        let answer = visitor.read_to_end().await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let is_refused = head.starts_with("HTTP/1.1 400");
        assert!(is_refused || body.starts_with("the guest: GET /"), "{path}: {answer}");
    }
    assert_eq!(host.get("/site/sub/within").await.text(), "page");
}

#[tokio::test]
async fn hidden_names_are_served_where_the_manifest_shows_them() {
    let manifest = format!("{ROOT}show = [\".well-known\", \"_app\"]\n");
    let files = [(".well-known/security.txt", "mail us"), ("_app/x.js", "x"), ("_draft", "secret")];
    let host = site(&manifest, &files).run().await;
    assert_eq!(host.get("/site/.well-known/security.txt").await.text(), "mail us");
    assert_eq!(host.get("/site/_app/x.js").await.text(), "x");
    assert!(is_of_guest(&host.get("/site/_draft").await));
}

#[tokio::test]
async fn what_a_visitor_has_is_not_sent_again() {
    let host = site(ROOT, &[("a.txt", "0123456789")]).run().await;
    let then = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(host.apps.file("_site/a.txt")).unwrap().set_modified(then).unwrap();
    let reply = host.get("/site/a.txt").await;
    let (tag, modified) = (reply.header("etag").to_owned(), reply.header("last-modified").to_owned());
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    for fields in [[("if-none-match", tag.as_str())], [("if-modified-since", modified.as_str())]] {
        let reply = ask(&host, "/site/a.txt", &fields).await;
        assert_eq!((reply.status, reply.header("etag"), reply.body.len()), (StatusCode::NOT_MODIFIED, tag.as_str(), 0));
    }
    assert_eq!(ask(&host, "/site/a.txt", &[("if-match", "\"x\"")]).await.status, StatusCode::PRECONDITION_FAILED);

    for (range, bytes, part) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let reply = ask(&host, "/site/a.txt", &[("range", range)]).await;
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::PARTIAL_CONTENT, bytes), "{range}");
        assert_eq!((reply.header("content-range"), reply.header("etag")), (part, tag.as_str()), "{range}");
    }
    let range = ("range", "bytes=2-4");
    for (fields, status) in [
        ([range, ("if-range", tag.as_str())], 206),
        ([range, ("if-range", modified.as_str())], 206),
        ([range, ("if-range", "\"x\"")], 200),
        ([("range", "bytes=0-1,4-5"), ("x-none", "")], 200),
        ([("range", "bytes=10-"), ("x-none", "")], 416),
    ] {
        let reply = ask(&host, "/site/a.txt", &fields).await;
        assert_eq!(reply.status, status, "{fields:?}");
        assert_eq!(
            reply.header("content-range"),
            match status {
                206 => "bytes 2-4/10",
                416 => "bytes */10",
                _ => "",
            }
        );
    }
}

/// As Nix, Bazel and image layers leave them: such a time tells no content from another.
#[tokio::test]
async fn a_time_of_nobodys_is_no_date() {
    let host = site(ROOT, &[("a.txt", "one")]).run().await;
    let path = host.apps.file("_site/a.txt");
    let is_told = async |seconds: u64| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let reply = host.get("/site/a.txt").await;
        let since = [("if-modified-since", "Thu, 01 Jan 1970 00:00:02 GMT")];
        let again = ask(&host, "/site/a.txt", &since).await;
        let tag = ask(&host, "/site/a.txt", &[("if-none-match", reply.header("etag"))]).await;
        assert_eq!(tag.status, StatusCode::NOT_MODIFIED, "{seconds}");
        assert_eq!(tag.header("last-modified"), reply.header("last-modified"), "{seconds}");
        (reply.header("last-modified").to_owned(), again.status.as_u16())
    };
    assert_eq!(is_told(0).await, (String::new(), 200));
    assert_eq!(is_told(1).await, (String::new(), 200));
    assert_eq!(is_told(2).await, ("Thu, 01 Jan 1970 00:00:02 GMT".to_owned(), 304));
}

#[tokio::test]
async fn files_are_served_as_they_lie_there_now() {
    let host = site(ROOT, &[("a.txt", "one")]).run().await;
    let before = host.get("/site/a.txt").await;
    host.apps.rename_in("_site/a.txt", "two");
    let tag = before.header("etag");
    let after = ask(&host, "/site/a.txt", &[("if-none-match", tag)]).await;
    assert_eq!((after.status, after.text().as_str()), (StatusCode::OK, "two"));
    // All of them at once: a link is flipped.
    host.apps.rename_in("_site-2/a.txt", "three");
    fs::rename(host.apps.file("_site"), host.apps.file("_site-1")).unwrap();
    assert!(is_of_guest(&host.get("/site/a.txt").await));
    symlink("_site-2", host.apps.file("_site")).unwrap();
    assert_eq!(host.get("/site/a.txt").await.text(), "three");
    // And never to where links may not lead.
    let elsewhere = host.apps.path().with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("a.txt"), "secret").unwrap();
    fs::remove_file(host.apps.file("_site")).unwrap();
    symlink("../elsewhere", host.apps.file("_site")).unwrap();
    assert!(is_of_guest(&host.get("/site/a.txt").await));
}

#[tokio::test]
async fn an_app_waits_for_its_folder() {
    let host = site(ROOT, &[]).start();
    let why = host.until_state("site", AppState::Pending).await;
    assert!(why.starts_with("waits for the static folder `_site` beside its manifest: No such file"), "{why}");
    host.apps.rename_in("_site/a.txt", "here");
    host.until_state("site", AppState::Live).await;
    assert_eq!(host.get("/site/a.txt").await.text(), "here");
}

#[tokio::test]
async fn a_static_folder_holds_no_apps() {
    let host = site(ROOT, &[("game.wasm", "not a component")]).run().await;
    let reply = host.get("/site/game.wasm").await;
    assert_eq!((reply.header("content-type"), reply.text().as_str()), ("application/wasm", "not a component"));
    let names: Vec<String> = host.deploy.status().borrow().apps.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["site"]);
}

#[tokio::test]
async fn large_files_arrive_whole_and_what_shrinks_meanwhile_is_cut() {
    let host = site(ROOT, &[]);
    let content: Vec<u8> = (0..5_000_000_u32).map(|at| (at % 251) as u8).collect();
    host.apps.rename_in("_site/large.bin", &content);
    let host = host.run().await;
    let reply = host.get("/site/large.bin").await;
    assert!(reply.body == content, "{} of {} bytes", reply.body.len(), content.len());

    // More than the sockets hold, so that the host is still reading when it shrinks.
    const LONG: u64 = 1 << 30;
    let file = File::create(host.apps.file("_site/long.bin")).unwrap();
    file.set_len(LONG).unwrap();
    let mut visitor = Visitor::connect(host.address).await;
    visitor.send("GET /site/long.bin HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    visitor.read_until("\r\n\r\n").await;
    file.set_len(0).unwrap();
    let mut length = 0;
    loop {
        let more = visitor.read().await.len();
        if more == 0 {
            break;
        }
        length += more as u64;
    }
    assert!(length < LONG, "all of it came, although it is no longer there");
}

#[tokio::test]
async fn siblings_that_were_compressed_beforehand_are_sent() {
    let host = site(ROOT, &[("app.js", "plain"), ("app.js.br", "brotli"), ("app.js.gz", "gzip"), ("old.js", "plain")])
        .run()
        .await;
    host.apps.rename_in("_site/old.js.gz", "stale");
    let then = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(host.apps.file("_site/old.js.gz")).unwrap().set_modified(then).unwrap();
    let plain = host.get("/site/app.js").await;
    assert_eq!((plain.text().as_str(), plain.header("vary")), ("plain", "accept-encoding"));
    for (wanted, text, coding) in [("gzip, br", "brotli", "br"), ("gzip", "gzip", "gzip"), ("zstd", "plain", "")] {
        let reply = ask(&host, "/site/app.js", &[("accept-encoding", wanted)]).await;
        assert_eq!((reply.text().as_str(), reply.header("content-encoding")), (text, coding), "{wanted}");
        assert_eq!(reply.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(reply.header("etag") == plain.header("etag"), coding.is_empty(), "{wanted}");
        let held = [("accept-encoding", wanted), ("if-none-match", reply.header("etag"))];
        let again = ask(&host, "/site/app.js", &held).await;
        assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, reply.header("etag")), "{wanted}");
    }
    assert_eq!(ask(&host, "/site/old.js", &[("accept-encoding", "gzip")]).await.text(), "plain");
    let part = ask(&host, "/site/app.js", &[("accept-encoding", "gzip"), ("range", "bytes=0-1")]).await;
    assert_eq!((part.text().as_str(), part.header("content-encoding")), ("pl", ""));
}

#[tokio::test]
async fn files_are_compressed_as_responses_are() {
    let text = "line\n".repeat(20_000);
    let host = site(ROOT, &[("a.txt", &text), ("a.png", &text)]).run().await;
    let plain = host.get("/site/a.txt").await;
    let reply = ask(&host, "/site/a.txt", &[("accept-encoding", "gzip")]).await;
    assert_eq!((reply.header("content-encoding"), reply.header("vary")), ("gzip", "accept-encoding"));
    let weak = format!("W/{}", plain.header("etag"));
    assert_eq!((reply.header("etag"), reply.header("content-length")), (weak.as_str(), ""));
    assert!(reply.body.len() < 2000, "{} bytes", reply.body.len());
    let again = ask(&host, "/site/a.txt", &[("accept-encoding", "gzip"), ("if-none-match", &weak)]).await;
    assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, weak.as_str()));
    assert_eq!(ask(&host, "/site/a.png", &[("accept-encoding", "gzip")]).await.header("content-encoding"), "");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_a_file_is_looked_for() {
    let host = site(ROOT, &[("a.txt", "a")]).run().await;
    let mut visitor = Visitor::connect(host.address).await;
    visitor.send("GET /site/a.txt HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999\r\n\r\n").await;
    assert!(visitor.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_download_is_logged_and_ends_with_its_revisions_time() {
    let manifest = format!("{ROOT}[limits]\ndrain = \"100ms\"\n");
    let host = site(&manifest, &[("a.txt", "a")]);
    File::create(host.apps.file("_site/long.bin")).unwrap().set_len(1 << 30).unwrap();
    let (home, apps) = (host.home().to_owned(), host.apps.clone());
    let mut process = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], &home);
    let line = process.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    process.logs("`site` is live").await;
    assert_eq!(Client::new(address).get("/site/a.txt").await.text(), "a");
    let line = process.logs("GET /site/a.txt 200").await;
    assert!(line.contains("app.name=\"site\"") || line.contains("app.name=site"), "{line}");

    let mut visitor = Visitor::connect(address).await;
    visitor.send("GET /site/long.bin HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    visitor.read_until("\r\n\r\n").await;
    // Another revision: the manifest is another one. The visitor does not read on, and is cut in the end.
    apps.rename_in("site.toml", format!("{manifest}# another\n"));
    process.logs("requests were cut").await;
    within("the cut", async { while !visitor.read().await.is_empty() {} }).await;
    let line = process.logs("GET /site/long.bin 200").await;
    assert!(line.contains("cut"), "{line}");
}

//! `guesthouse dev` for Python: an edit is served at once, from the source itself, unless it cannot be imported; and what an
//! app raises is shown to its author.

use std::net::SocketAddr;

use http::StatusCode;
use http::header::ACCEPT;
use rustix::process::Signal;

use crate::frameworks::hall::tools;
use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::tools::has_python;
use crate::harness::within;
use crate::python::workshop::Workshop;

fn app(says: &str) -> String {
    format!(
        "def app(environ, start_response):\n    \
         start_response('200 OK', [('Content-Type', 'text/html')])\n    return [b'{says}']\n"
    )
}

async fn page(address: SocketAddr, path: &str) -> Reply {
    let mut asked = get(path);
    asked.headers_mut().insert(ACCEPT, "text/html".parse().unwrap());
    Client::new(address).send(asked).await
}

/// What a browser is shown at last.
async fn until_it_shows(address: SocketAddr, expected: &str) -> String {
    within(&format!("`{expected}`"), async {
        loop {
            let shown = page(address, "/app/").await.text();
            if shown.contains(expected) {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// `dev` with what is in the workshop. What is installed or compiled at first use may take longer than a test waits, so that
/// it is built before, from `first`.
async fn start(shop: &Workshop, first: &str) -> (Process, SocketAddr) {
    let then = std::fs::read_to_string(shop.path().join("app/app.py")).unwrap();
    shop.write("app.py", first);
    assert!(shop.build().await.status.success());
    shop.write("app.py", &then);
    let mut command = command(&["dev", "app", "--listen", "127.0.0.1:0"], shop.path());
    let mut dev = Process::spawn(command.env("GUESTHOUSE_TOOLS", tools()));
    let line = dev.says("listening on http://").await;
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    dev.says("http://app.localhost:").await;
    (dev, address)
}

async fn end(dev: Process) {
    dev.signal(Signal::INT);
    assert_eq!(dev.ended().await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_live_without_a_build_and_one_that_cannot_be_imported_is_not() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", &app("one"))]);
    let (mut dev, address) = start(&shop, &app("one")).await;
    let file = shop.path().canonicalize().unwrap().join("app/app.py");
    until_it_shows(address, "one").await;
    shop.write("app.py", &app("two"));
    dev.says("app: live ").await;
    until_it_shows(address, "two").await;

    // What served goes on serving, and says over its pages why it is not newer: where the author has the file.
    shop.write("app.py", &format!("import os\nimport flusk\n{}", app("none")));
    let told = "the edit does not serve: ModuleNotFoundError: No module named 'flusk' (app.py, line 2)";
    dev.says(told).await;
    let noted = until_it_shows(address, "<code>app</code> cannot be imported.").await;
    let link =
        format!("<a href=\"vscode://file{}:2:1\">File &quot;{}&quot;, line 2</a>", file.display(), file.display());
    assert!(noted.starts_with("two\n<guesthouse-note>") && noted.contains(&link), "{noted}");
    assert!(!noted.contains("/0/") && !noted.contains("importlib") && !noted.contains("/guesthouse/"), "{noted}");
    assert_eq!(Client::new(address).get("/app/").await.text(), "two", "a program is told nothing");
    shop.write("app.py", "def app(:\n");
    let noted = until_it_shows(address, "SyntaxError: ").await;
    assert!(noted.starts_with("two\n") && noted.contains("    def app(:\n            ^\n"), "{noted}");

    shop.write("app.py", &app("three"));
    let mended = until_it_shows(address, "three").await;
    assert!(!mended.contains("guesthouse-note"), "{mended}");
    assert!(!dev.log().contains("building") && dev.log().matches("built app").count() == 1, "{}", dev.log());
    end(dev).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_app_raises_is_a_page_and_one_record_in_the_log() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", &format!("import flusk\n{}", app("one")))]);
    let (mut dev, address) = start(&shop, &app("one")).await;
    let file = shop.path().canonicalize().unwrap().join("app/app.py");
    // It never was imported, so that there is nothing else to show.
    let shown =
        until_it_shows(address, "raised ModuleNotFoundError: No module named &#39;flusk&#39; (app.py, line 1)").await;
    assert!(shown.contains(&format!("vscode://file{}:1:1", file.display())) && !shown.contains("/0/"), "{shown}");
    assert!(shown.contains("<script data-app=\"app\""), "it loads itself again: {shown}");

    shop.write("app.py", "def app(environ, start_response):\n    return environ['<colour>']\n");
    until_it_shows(address, "raised KeyError: &#39;&lt;colour&gt;&#39; (app.py, line 2).").await;
    let raised = page(address, "/app/").await;
    assert_eq!((raised.status, raised.header("x-guesthouse-raised")), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    let id = raised.header("x-request-id").to_owned();
    assert!(raised.text().contains(&format!("request <code>{id}</code>")), "{}", raised.text());
    let before = dev.log().matches("ERROR Traceback (most recent call last):").count();
    let plain = Client::new(address).get("/app/").await;
    assert!(plain.text().starts_with("KeyError: '<colour>' (app.py, line 2)\n\nTraceback"), "{}", plain.text());
    dev.logs(plain.header("x-request-id")).await;
    let log = dev.log();
    assert_eq!(log.matches("ERROR Traceback (most recent call last):").count(), before + 1, "{log}");
    let record =
        format!("ERROR Traceback (most recent call last):\n           File \"{}\", line 2, in app\n", file.display());
    assert!(log.contains(&record), "{log}");
    let last =
        log.lines().find(|line| line.contains("KeyError: '<colour>'") && line.contains(&id)).expect("with its id");
    assert_eq!(last.matches(&id).count(), 1, "{last}");
    end(dev).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_flask_catches_is_shown_to_a_browser_and_no_one_else() {
    if !has_python().await {
        return;
    }
    let source = "from flask import Flask, abort\n\napp = Flask(__name__)\n\n\n@app.get('/')\ndef home():\n    return '<p>home'\n\n\n\
                  @app.get('/broken')\ndef broken():\n    return {}['colour']\n\n\n@app.get('/meant')\ndef meant():\n    abort(500)\n";
    let shop = Workshop::with(&[("app.py", source), ("requirements.txt", "flask==3.1.3\n")]);
    let (dev, address) = start(&shop, source).await;
    until_it_shows(address, "home").await;
    let shown = page(address, "/app/broken").await;
    assert_eq!(shown.status, StatusCode::INTERNAL_SERVER_ERROR);
    let shown = shown.text();
    assert!(shown.contains("raised KeyError: &#39;colour&#39; (app.py, line 13)."), "{shown}");
    let program = Client::new(address).get("/app/broken").await.text();
    assert!(program.contains("<title>500 Internal Server Error</title>") && !program.contains("colour"), "{program}");
    let meant = page(address, "/app/meant").await.text();
    assert!(meant.contains("<title>500 Internal Server Error</title>") && !meant.contains("raised"), "{meant}");
    // Flask logs each of the two by itself, and nobody once more.
    let log = dev.log();
    let records = log.lines().filter(|line| line.contains(" ERROR ") && line.contains("Exception on /broken [GET]"));
    assert_eq!(records.count(), 2, "{log}");
    assert_eq!(log.matches("KeyError: 'colour'").count(), 2, "{log}");
    end(dev).await;
}

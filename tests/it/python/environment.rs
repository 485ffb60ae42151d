//! Apps that read their environment while they are imported: it is that of the place where they run.

use std::fs;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;

use crate::harness::host::TestHost;
use crate::harness::process::run as program;
use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;

const APP: &str = r#"
import os

GREETING = os.environ["GREETING"]


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [GREETING.encode()]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_reads_its_environment_at_import_is_imported_where_it_runs() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", APP)]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    assert!(built.stderr.contains("app.py (line 4) reads `GREETING` while it is imported"), "{}", built.stderr);
    let component = fs::read(shop.component()).unwrap();
    let host =
        TestHost::new().app("app", &component).manifest("app", "[environment]\nGREETING = \"bonjour\"\n").run().await;
    assert_eq!(host.get("/app/").await.text(), "bonjour");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_cannot_start_where_it_runs_replaces_nothing() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", APP)]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    let component = fs::read(shop.component()).unwrap();
    let host = TestHost::new().app("app", guest::revision(1)).run().await;
    host.apps.rename_in("app.wasm", &component);
    let why = host.until_state("app", AppState::Refused).await;
    assert!(why.contains("KeyError: 'GREETING' (app.py, line 4)"), "{why}");
    assert_eq!(host.get("/app/").await.text(), guest::revision_text(1));
    // With what it needs the same component is another revision.
    host.apps.rename_in("app.toml", "[environment]\nGREETING = \"bonjour\"\n");
    let answers = |status: &guesthouse_deploy::status::Status| {
        status.apps["app"].serving.is_some_and(|live| live.manifest.is_some())
    };
    host.until("it is live", answers).await;
    assert_eq!(host.get("/app/").await.text(), "bonjour");

    let checked = program(&["check", "apps/app.wasm"], shop.path()).await;
    assert_eq!(checked.status.code(), Some(1), "{}", checked.stdout);
    assert!(checked.stdout.contains("KeyError: 'GREETING' (app.py, line 4)"), "{}", checked.stdout);
    assert!(checked.stdout.contains("it was started without variables"), "{}", checked.stdout);
    fs::write(shop.path().join("apps/app.toml"), "[environment]\nGREETING = \"bonjour\"\n").unwrap();
    let checked = program(&["check", "apps/app.wasm"], shop.path()).await;
    assert_eq!(checked.status.code(), Some(0), "{}", checked.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_is_written_down_beside_the_component() {
    if !has_python().await {
        return;
    }
    let shop =
        Workshop::with(&[("app.py", &APP.replace("os.environ[\"GREETING\"]", "os.getenv(\"GREETING\", \"hello\")"))]);
    fs::write(shop.path().join("app/.env"), "GREETING=secret-of-mine\n").unwrap();
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    let expected = "it reads `GREETING` of its environment, which `[environment]` in app.toml gives it: app.toml.example has the lines";
    assert!(built.stderr.contains(expected), "{}", built.stderr);
    let example = shop.path().join("apps/app.toml.example");
    let text = fs::read_to_string(&example).unwrap();
    assert!(text.contains("[environment]\n# GREETING = \"…\"    # app.py, line 4\n"), "{text}");
    let component = fs::read(shop.component()).unwrap();
    assert!(!component.windows(14).any(|bytes| bytes == b"secret-of-mine"), "what is in `.env` is in the component");
    // It is the author's from then on.
    fs::write(&example, "mine").unwrap();
    shop.write("more.py", "");
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    assert_eq!(fs::read_to_string(example).unwrap(), "mine");
}

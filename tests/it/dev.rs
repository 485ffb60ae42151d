//! `guesthouse dev`: from a source folder to a served app, and again when the source changes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use guesthouse_test_guests as guest;
use http::StatusCode;
use http::header::ACCEPT;
use rustix::process::Signal;
use tokio::sync::Mutex;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::folder::AppsFolder;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::within;

/// An author's crate, as `docs/writing-guest-apps.md` has it.
pub fn write_crate(folder: &Path, says: &str) {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("sdk/rust");
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"my-app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nguesthouse-sdk = {{ path = \"{}\" }}\n",
        sdk.display()
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    write_source(folder, &format!("Response::text(\"{says}\")"));
}

pub fn write_source(folder: &Path, answer: &str) {
    let source = format!(
        "use guesthouse::Request;\nuse guesthouse::Response;\nuse guesthouse::ResponseExt;\n\n\
         guesthouse::app!(handle);\n\nfn handle(_request: Request) -> Response {{\n    {answer}\n}}\n"
    );
    fs::write(folder.join("src/lib.rs"), source).unwrap();
}

/// What a browser is shown.
async fn page(address: SocketAddr) -> Reply {
    let mut asked = get("/my-app/");
    asked.headers_mut().insert(ACCEPT, "text/html".parse().unwrap());
    Client::new(address).send(asked).await
}

async fn until_the_page(address: SocketAddr, about: &str, is_so: impl Fn(&str) -> bool) -> Reply {
    within(about, async {
        loop {
            let reply = page(address).await;
            if is_so(&reply.text()) {
                return reply;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

async fn until_the_page_shows(address: SocketAddr, expected: &str) -> Reply {
    until_the_page(address, &format!("`{expected}` on the page"), |page| page.contains(expected)).await
}

async fn until_it_says(address: SocketAddr, expected: &str) {
    within(&format!("`{expected}`"), async {
        let mut client = Client::new(address);
        while client.get("/my-app/").await.text() != expected {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Whose turn it is with the target folder `dev-page`: what cargo puts there is called after the crate, and the crates of all
/// these tests have one name.
pub static PAGE_FOLDER: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_source_is_built_and_swapped_and_a_broken_one_is_not() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    write_crate(&folder, "one");
    let mut command = command(&["dev", "my-app", "--listen", "127.0.0.1:0"], home.path());
    // Kept between runs, so that the SDK's dependencies are built once.
    let mut dev = Process::spawn(command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/dev")));
    let line = dev.says("listening on http://").await;
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    let line = dev.says("apps folder").await;
    let apps = AppsFolder::create(line.trim().trim_start_matches("apps folder").trim().into());
    let urls = dev.says("http://my-app.localhost:").await;
    assert!(urls.contains("/my-app/"), "{urls}");
    until_it_says(address, "one").await;

    write_source(&folder, "Response::text(\"two\")");
    until_it_says(address, "two").await;

    write_source(&folder, "this is not Rust");
    dev.logs("error").await;
    assert_eq!(Client::new(address).get("/my-app/").await.text(), "two");

    // What is dropped by hand is served beside what is built.
    apps.rename_in("revision.wasm", guest::revision(7));
    dev.says("http://revision.localhost:").await;
    assert_eq!(Client::new(address).get("/revision/").await.text(), guest::revision_text(7));
    let index = Client::new(address).get("/").await.text();
    assert!(index.contains("my-app") && index.contains("revision"), "{index}");

    dev.signal(Signal::INT);
    assert_eq!(dev.ended().await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_error_stands_on_the_page() {
    const DOES_NOT_BUILD: &str = "does not build.";
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    write_crate(&folder, "one");
    write_source(&folder, "no_such_name");
    let mut command = command(&["dev", "my-app", "--listen", "127.0.0.1:0", "--no-reload"], home.path());
    let _turn = PAGE_FOLDER.lock().await;
    let mut dev = Process::spawn(command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/dev-page")));
    let line = dev.says("listening on http://").await;
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();

    // Nothing was built yet.
    let first = until_the_page_shows(address, "is being built").await;
    assert_eq!((first.status, first.header("refresh")), (StatusCode::SERVICE_UNAVAILABLE, "2"));
    let broken = until_the_page_shows(address, DOES_NOT_BUILD).await;
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(broken.text().contains("cannot find value <code>no_such_name</code>"), "{}", broken.text());
    let file = folder.canonicalize().unwrap().join("src/lib.rs");
    let link = format!("<a href=\"vscode://file{}:8:5\">src/lib.rs:8:5</a>", file.display());
    assert!(broken.text().contains(&link), "{}", broken.text());
    let index = Client::new(address).get("/").await.text();
    assert!(index.contains("my-app (not ready: its source does not build)"), "{index}");
    dev.logs("cannot find value `no_such_name`").await;

    write_source(&folder, "Response::html(\"<p>served</p>\")");
    until_the_page(address, "the page", |page| page == "<p>served</p>").await;

    // What was built before goes on serving, and its pages say why they are not newer.
    write_source(&folder, "no_such_name");
    let noted = until_the_page_shows(address, DOES_NOT_BUILD).await;
    assert_eq!((noted.status, noted.header("cache-control")), (StatusCode::OK, "no-store"));
    let text = noted.text();
    assert!(text.starts_with("<p>served</p>\n<guesthouse-note>"), "{text}");
    assert!(text.contains("<code>no_such_name</code>") && text.contains(&link), "{text}");
    assert_eq!(Client::new(address).get("/my-app/").await.text(), "<p>served</p>", "a program is told nothing");
    let index = Client::new(address).get("/").await.text();
    assert!(index.contains("my-app (live, revision ") && index.contains("; its source does not build)"), "{index}");

    write_source(&folder, "Response::html(\"<p>mended</p>\")");
    until_the_page(address, "the mended page without a note", |page| page == "<p>mended</p>").await;

    dev.signal(Signal::INT);
    assert_eq!(dev.ended().await.status.code(), Some(0));
}

#[tokio::test]
async fn dev_is_for_this_machine_alone() {
    let home = tempfile::tempdir().unwrap();
    write_crate(&home.path().join("my-app"), "one");
    let ended = crate::harness::process::run(&["dev", "my-app", "--listen", "0.0.0.0:0"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("loopback"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mock_answers_for_the_outside_and_a_manifest_is_written_for_what_was_called() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    write_crate(&folder, "");
    write_source(
        &folder,
        "let asked = guesthouse::http::Request::get(\"https://api.example.com/rates\").body(Vec::new()).unwrap();\n    \
         match guesthouse::fetch(asked) {\n        \
         Ok(answer) => Response::text(String::from_utf8_lossy(answer.body()).into_owned()),\n        \
         Err(error) => Response::text(error.to_string()),\n    }",
    );
    fs::write(home.path().join("rates.json"), "{\"eur\": 1}").unwrap();
    let mock = "[[\"GET https://api.example.com/rates\"]]\nstatus = 503\nbody = \"not yet\"\n\n\
                [[\"GET https://api.example.com/rates\"]]\nfile = \"rates.json\"\n";
    fs::write(home.path().join("mock.toml"), mock).unwrap();
    fs::create_dir(home.path().join("apps")).unwrap();
    fs::write(home.path().join("apps/my-app.toml"), "# mine\n[limits]\ncpu = \"2s\"\n").unwrap();
    let arguments = ["dev", "my-app", "--listen", "127.0.0.1:0", "--mock", "mock.toml", "--write"];
    let mut command = command(&arguments, home.path());
    let mut dev = Process::spawn(command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/dev-mock")));
    let line = dev.says("listening on http://").await;
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    until_it_says(address, "not yet").await;
    until_it_says(address, "{\"eur\": 1}").await;
    let told = dev.logs("asks for https://api.example.com: once deployed").await;
    assert!(told.contains("`http = [\"https://api.example.com\"]` under `[outbound]`"), "{told}");

    dev.signal(Signal::INT);
    let ended = dev.ended().await;
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.contains("apps/my-app.toml asks for what my-app has called"), "{}", ended.stderr);
    let manifest = fs::read_to_string(home.path().join("apps/my-app.toml")).unwrap();
    let expected = "# mine\n[limits]\ncpu = \"2s\"\n\n[outbound]\nhttp = [\"https://api.example.com\"]\n";
    assert_eq!(manifest, expected);
}

//! `guesthouse dev`: from a source folder to a served app, and again when the source changes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use guesthouse_test_guests as guest;
use rustix::process::Signal;

use crate::harness::client::Client;
use crate::harness::folder::AppsFolder;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::within;

/// An author's crate, as `docs/writing-guest-apps.md` has it.
fn write_crate(folder: &Path, says: &str) {
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

fn write_source(folder: &Path, answer: &str) {
    let source = format!(
        "use guesthouse::Request;\nuse guesthouse::Response;\nuse guesthouse::ResponseExt;\n\n\
         guesthouse::app!(handle);\n\nfn handle(_request: Request) -> Response {{\n    {answer}\n}}\n"
    );
    fs::write(folder.join("src/lib.rs"), source).unwrap();
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

#[tokio::test]
async fn dev_is_for_this_machine_alone() {
    let home = tempfile::tempdir().unwrap();
    write_crate(&home.path().join("my-app"), "one");
    let ended = crate::harness::process::run(&["dev", "my-app", "--listen", "0.0.0.0:0"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("loopback"), "{}", ended.stderr);
}

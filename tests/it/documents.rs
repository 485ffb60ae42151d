//! What the documents say is true: what authors are told to type builds and serves, and codes are those of the host.

use std::fs;
use std::path::Path;

use guesthouse_deploy::reason::ReasonCode;
use guesthouse_types::name::Digest;

use crate::harness::host::TestHost;
use crate::harness::process::command;
use crate::harness::within;

/// A crate as a document spells it out: a `toml` block with a `[package]`, and the next `rust` block.
struct Crate {
    name: String,
    manifest: String,
    source: String,
}

fn crates_in(document: &str) -> Vec<Crate> {
    let mut found: Vec<Crate> = Vec::new();
    for block in document.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').expect("a block has a first line");
        match language {
            "toml" if text.starts_with("[package]") => {
                let name = text.split('"').nth(1).expect("a package has a name").to_owned();
                found.push(Crate { name, manifest: text.to_owned(), source: String::new() });
            }
            "rust" => {
                if let Some(last) = found.last_mut().filter(|last| last.source.is_empty()) {
                    last.source = text.to_owned();
                }
            }
            _ => {}
        }
    }
    found
}

async fn check(document: &str, expected: &[(&str, &str)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join(document)).unwrap();
    let home = tempfile::tempdir().unwrap();
    let crates = crates_in(&text);
    for Crate { name, manifest, source } in &crates {
        let folder = home.path().join(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        let sdk = root.join("sdk/rust");
        fs::write(folder.join("Cargo.toml"), manifest.replace("../guesthouse/sdk/rust", sdk.to_str().unwrap()))
            .unwrap();
        fs::write(folder.join("src/lib.rs"), source).unwrap();
        fs::create_dir(folder.join("wit")).unwrap();
        fs::copy(root.join("wit/gateway.wit"), folder.join("wit/gateway.wit")).unwrap();
    }
    let mut arguments = vec!["build"];
    arguments.extend(crates.iter().map(|one| one.name.as_str()));
    let mut build = command(&[&arguments[..], &["--apps", "apps"]].concat(), home.path());
    // The folder that `dev`'s tests use as well: the SDK's dependencies are built once.
    build.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/dev"));
    let built = within("the build", build.output()).await.unwrap();
    assert!(built.status.success(), "{document}: {}", String::from_utf8_lossy(&built.stderr));

    let host = TestHost::new().run().await;
    for (name, answer) in expected {
        let component = fs::read(home.path().join(format!("apps/{name}.wasm"))).unwrap();
        host.apps.rename_in(&format!("{name}.wasm"), &component);
        host.until_live(name, Digest::of(&component)).await;
        let reply = host.get(&format!("/{name}/?name=Ada")).await;
        assert!(reply.text().contains(answer), "{document}: {name}: {}", reply.text());
    }
}

#[test]
fn the_codes_of_reasons_are_those_in_the_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("docs/reference.md")).unwrap();
    let (_, table) = text.split_once("| code | turn of |").expect("there is a table of codes");
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let documented: Vec<[&str; 2]> = lines
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            [cells.next().unwrap_or_default().trim_matches('`'), cells.next().unwrap_or_default()]
        })
        .collect();
    let known = ReasonCode::ALL.map(|code| [code.name(), code.blame().name()]);
    assert_eq!(documented, known);
}

// One after the other: both build a crate `hello` into one folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_documents_tell_authors_to_type_builds_and_serves() {
    check("README.md", &[("hello", "<h1>hello</h1>")]).await;
    let expected = [("hello", "<h1>hello, Ada</h1>"), ("plain", "hello at /plain/"), ("hello-http", "hello\n")];
    check("docs/writing-guest-apps.md", &expected).await;
}

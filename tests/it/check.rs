//! `guesthouse check`, as authors and operators call it: what it says, and with which exit code.

use std::fs;
use std::path::Path;

use guesthouse_test_guests as guest;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::process::run;

fn home_with(files: &[(&str, &[u8])]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    home
}

/// Runs a check for scripts: its exit code, and its document.
async fn json(arguments: &[&str], home: &Path) -> (i32, Value) {
    let ended = run(&[&["check", "--format", "json"], arguments].concat(), home).await;
    let document = serde_json::from_str(&ended.stdout);
    (ended.status.code().unwrap(), document.unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr)))
}

#[tokio::test]
async fn a_good_component_is_taken_and_told_about() {
    let home = home_with(&[("hello.wasm", &guest::bytes(guest::HELLO))]);
    let ended = run(&["check", "hello.wasm"], home.path()).await;
    assert_eq!(ended.status.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
    let first = ended.stdout.lines().next().unwrap();
    assert_eq!(first, "hello.wasm  would be accepted as `hello`: hello.localhost/, /hello/");
    for part in [
        "guesthouse:gateway 0.1, world guesthouse:gateway/app@0.1.0",
        "made by   Rust, wit-",
        "wit-bindgen-rust",
        "wit-component",
        "plain: it is small",
        " at start",
        "tables    ",
        "imports   granted:",
        "stubbed (it links, and does nothing):",
        "calls     GET /",
    ] {
        assert!(ended.stdout.contains(part), "no `{part}` in\n{}", ended.stdout);
    }
    assert_eq!(ended.stderr, "", "nothing is to be told beside the report");
    assert!(!home.path().join("apps").exists() && !home.path().join(".local").exists(), "it leaves nothing behind");
}

#[tokio::test]
async fn the_document_for_scripts_has_everything() {
    let http = guest::bytes(guest::ENVIRON_HTTP);
    let home = home_with(&[("environ-http.wasm", &http)]);
    let (code, document) = json(&["environ-http.wasm"], home.path()).await;
    assert_eq!(code, 0, "{document:#}");
    let report = &document[0];
    assert_eq!(report["verdict"], "taken");
    assert_eq!(report["app"], "environ-http");
    assert_eq!(report["bytes"], http.len());
    let component = &report["component"];
    assert_eq!(component["lane"], "wasi:http 0.2");
    assert!(component["world"].as_str().unwrap().starts_with("wasi:http/proxy@0.2."), "{component:#}");
    assert_eq!(component["engine"], "plain");
    assert_eq!(component["language"], "Rust");
    assert!(component["tables"].as_u64().unwrap() >= 1, "{component:#}");
    assert_eq!(report["calls"], Value::Null, "only gateway apps are called");
    assert!(component["core_modules"].as_u64().unwrap() >= 1, "{component:#}");
    assert!(component["memory_bytes_min"].as_u64().unwrap() >= 65_536, "{component:#}");
    let tools = component["toolchain"]["processed_by"].as_array().unwrap();
    assert!(tools.iter().any(|tool| tool["name"] == "wit-component" && tool["version"] != ""), "{component:#}");
    let import = |start: &str| {
        let all = component["imports"].as_array().unwrap();
        let found = all.iter().find(|import| import["name"].as_str().unwrap().starts_with(start));
        found.unwrap_or_else(|| panic!("no {start} in {all:#?}")).clone()
    };
    assert_eq!(import("wasi:http/outgoing-handler@0.2.")["offer"], "empty");
    assert_eq!(
        import("wasi:http/outgoing-handler@0.2.")["note"],
        "requests go where `[outbound]` asks for, and the operator allows it"
    );
    assert_eq!(import("wasi:filesystem/preopens@0.2.")["note"], "it sees the folders that it is given");
    assert_eq!(import("wasi:cli/environment@0.2.")["offer"], "granted");
    assert!(report["compiled"]["bytes"].as_u64().unwrap() > 0, "{report:#}");
    assert!(report["first_instance_us"].as_u64().is_some(), "{report:#}");
    assert_eq!(report["given"]["limits"]["memory"], "128MiB");
    assert_eq!(report["given"]["requests_per_instance"], 1);
}

#[tokio::test]
async fn one_that_is_not_taken_decides_the_exit_code() {
    let traps = guest::bytes(guest::BAD_START);
    let home =
        home_with(&[("hello.wasm", &guest::bytes(guest::HELLO)), ("bad.wasm", &traps), ("page.wasm", b"<html>")]);
    let ended = run(&["check", "hello.wasm", "bad.wasm", "page.wasm"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stdout);
    let told: Vec<&str> = ended.stdout.lines().filter(|line| line.contains("  would be ")).collect();
    assert_eq!(told.len(), 3, "{}", ended.stdout);
    assert!(told[1].contains("bad.wasm  would be refused: its first instance failed: the guest trapped"), "{told:?}");
    assert!(told[2].contains("page.wasm  would be refused: not WebAssembly but a page"), "{told:?}");
    assert!(ended.stdout.ends_with("\n1 of 3 would be accepted, 2 would not\n"), "{}", ended.stdout);
    // What could be found out of a refused one is told as well.
    let (code, document) = json(&["bad.wasm"], home.path()).await;
    assert_eq!((code, &document[0]["component"]["lane"]), (1, &Value::from("guesthouse:gateway 0.1")));
}

#[tokio::test]
async fn a_gateway_app_is_called_and_what_breaks_its_interface_is_told() {
    let home = home_with(&[
        ("hello.wasm", &guest::bytes(guest::HELLO)),
        ("traps.wasm", &guest::bytes(guest::BAD_TRAP)),
        ("todo.wasm", &guest::bytes(guest::TODO)),
    ]);
    let (code, document) = json(&["hello.wasm", "todo.wasm"], home.path()).await;
    assert_eq!(code, 0, "{document:#}");
    for report in document.as_array().unwrap() {
        let calls = report["calls"].as_array().unwrap();
        assert_eq!((calls.len(), &calls[0]["request"], &calls[0]["status"]), (7, &"GET /".into(), &200.into()));
        assert!(calls.iter().all(|call| call["violations"] == Value::Array(vec![])), "{calls:#?}");
    }
    assert_eq!(document[1]["calls"][2]["status"], 405, "todo does not know how to BREW");

    let ended = run(&["check", "traps.wasm"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stdout);
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.ends_with(", but does not keep to its interface (see `calls`)"), "{first}");
    assert!(
        ended.stdout.contains("no answer in ") && ended.stdout.contains("wrong: the guest trapped: "),
        "{}",
        ended.stdout
    );
    let ended = run(&["check", "traps.wasm", "--no-calls"], home.path()).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stdout);
    assert!(!ended.stdout.contains("\n  calls "), "{}", ended.stdout);
}

#[tokio::test]
async fn what_an_engine_cannot_do_twice_is_said_where_reuse_is_asked_for() {
    // As componentize-js marks what it makes; nobody looks inside before it is called.
    let text = "(component
        (core module $m (@producers (language \"JavaScript\" \"\") (processed-by \"ComponentizeJS\" \"0.23.0\")))
        (instance $door)
        (export \"guesthouse:gateway/handler@0.1.0\" (instance $door)))";
    let app = wat::parse_str(text).unwrap();
    let home = home_with(&[("app.wasm", &app), ("app.toml", b"[instances]\nreuse = 100\n"), ("fresh.wasm", &app)]);
    let ended = run(&["check", "app.wasm"], home.path()).await;
    assert!(ended.stdout.contains("made by   JavaScript with componentize-js, on StarlingMonkey"), "{}", ended.stdout);
    let hint = "note      StarlingMonkey fails at an instance's second request, and it asks for 100";
    assert!(ended.stdout.contains(hint), "{}", ended.stdout);
    let ended = run(&["check", "fresh.wasm"], home.path()).await;
    let hint = "note      StarlingMonkey fails at an instance's second request: leave `reuse` as it is, at 1";
    assert!(ended.stdout.contains(hint), "{}", ended.stdout);
}

#[tokio::test]
async fn the_operators_policy_and_bounds_count() {
    let hello = guest::bytes(guest::HELLO);
    let manifest =
        b"routes = [\"shop.example\"]\n[environment]\nTOKEN = { file = \"token\" }\n[limits]\nmemory = \"256MiB\"\n";
    let home = home_with(&[
        ("shop.wasm", &hello),
        ("shop.toml", manifest),
        ("token", b"secret"),
        ("tight.toml", b"[policy.limits]\nmemory = \"64MiB\"\n[policy]\nhosts = [\"*\"]\nsecrets = [\"*\"]\n"),
        ("small.toml", b"[deploy]\ncomponent_max = \"10KiB\"\n"),
        ("good.toml", b"[policy]\nhosts = [\"*.example\"]\nsecrets = [\"token\"]\n[deploy]\nsecrets = \".\"\n"),
        ("wrong.toml", b"[polcy]\n"),
    ]);
    let why = async |config: &str| {
        let (code, document) = json(&["shop.wasm", "--config", config], home.path()).await;
        let report = &document[0];
        (code, format!("{}: {}", report["verdict"].as_str().unwrap(), report["why"].as_str().unwrap_or_default()))
    };
    let (code, tight) = why("tight.toml").await;
    let expected = "refused: asks for more than the operator's policy allows: `memory = 256MiB` (at most 64MiB)";
    assert_eq!((code, tight.as_str()), (1, expected));
    let (_, small) = why("small.toml").await;
    assert!(small.ends_with(" bytes, more than the 10KiB that are read at most"), "{small}");

    let (code, document) = json(&["shop.wasm", "--config", "good.toml"], home.path()).await;
    assert_eq!(code, 0, "{document:#}");
    let report = &document[0];
    assert_eq!(report["manifest"], "shop.toml");
    assert_eq!(report["asked"]["limits"]["memory"], "256MiB");
    assert_eq!(report["asked"]["environment"]["TOKEN"], "token");
    assert_eq!(report["given"]["limits"]["memory"], "256MiB");
    assert_eq!(report["given"]["routes"][2], "shop.example/");
    assert!(!document.to_string().contains("secret\""), "a secret's value is nobody's to see: {document:#}");

    let ended = run(&["check", "shop.wasm", "--config", "wrong.toml"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("wrong.toml:1") && ended.stderr.contains("policy"), "{}", ended.stderr);
}

#[tokio::test]
async fn what_is_not_there_yet_is_waited_for() {
    let home = home_with(&[
        ("shop.wasm", &guest::bytes(guest::HELLO)),
        ("shop.toml", b"environment.TOKEN = { file = \"token\" }\n"),
        ("policy.toml", b"[policy]\nsecrets = [\"*\"]\n"),
    ]);
    let (code, document) = json(&["shop.wasm", "--config", "policy.toml"], home.path()).await;
    assert_eq!((code, &document[0]["verdict"]), (1, &Value::from("pending")));
    assert_eq!(document[0]["why"], "waits for the secret `token`: this host has no secrets directory");
    let (code, document) = json(&["nowhere.wasm"], home.path()).await;
    assert_eq!(code, 1);
    assert!(document[0]["why"].as_str().unwrap().starts_with("cannot be looked at: No such file"), "{document:#}");
}

#[tokio::test]
async fn a_name_is_what_the_apps_folder_makes_of_it() {
    let hello = guest::bytes(guest::HELLO);
    let home =
        home_with(&[("apps/api/users.wasm", &hello), ("elsewhere/api/users.wasm", &hello), ("index.wasm", &hello)]);
    let files = ["apps/api/users.wasm", "elsewhere/api/users.wasm", "index.wasm"];
    let (code, document) = json(&files, home.path()).await;
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document[0]["app"], "api/users");
    assert_eq!(document[1]["app"], "users");
    assert_eq!(document[2]["given"]["routes"][0], "/");
    // The same file under another folder's view.
    let (_, document) = json(&["--apps", "elsewhere", "elsewhere/api/users.wasm"], home.path()).await;
    assert_eq!(document[0]["app"], "api/users");
}

#[tokio::test]
async fn wrong_usage_ends_with_2() {
    let home = home_with(&[]);
    let ended = run(&["check", "-"], home.path()).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.contains("standard input has no name"), "{}", ended.stderr);
    assert_eq!(run(&["check"], home.path()).await.status.code(), Some(2));
    assert_eq!(run(&["check", "--format", "xml", "a.wasm"], home.path()).await.status.code(), Some(2));
}

#[tokio::test]
async fn what_a_component_says_of_itself_does_not_act_on_the_terminal() {
    let text = "(component
        (core module $m (@producers (language \"C\\1b[2J\" \"11\") (processed-by \"rustc\" \"1.95.0 (5980 2026)\")))
        (instance $door)
        (export \"guesthouse:gateway/handler@0.1.0\" (instance $door)))";
    let home = home_with(&[("app.wasm", &wat::parse_str(text).unwrap())]);
    let ended = run(&["check", "app.wasm"], home.path()).await;
    assert!(
        ended.stdout.contains("made by   C\\u{1b}[2J 11, rustc 1.95.0, named `m`\n")
            && !ended.stdout.contains('\u{1b}'),
        "{:?}",
        ended.stdout
    );
}

#[tokio::test]
async fn an_interrupted_check_leaves_nothing_behind() {
    // Long enough to compile that it is interrupted while it does: many functions, none trivial.
    let body = "(local i64) ".to_owned()
        + &"(local.set 0 (i64.mul (i64.add (local.get 0) (i64.const 3)) (local.get 0)))".repeat(200);
    let module = format!("(core module $m {})", format!("(func {body})").repeat(2000));
    let text =
        format!("(component {module} (instance $i) (export \"guesthouse:gateway/handler@0.1.0\" (instance $i)))");
    let home = home_with(&[("big.wasm", &wat::parse_str(text).unwrap()), ("tmp/keep", b"")]);
    let temporary = home.path().join("tmp");
    let mut check = Process::spawn(command(&["check", "big.wasm"], home.path()).env("TMPDIR", &temporary));
    check.logs("compiling `big`").await;
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 2);
    check.signal(Signal::INT);
    let ended = check.ended().await;
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1, "the state of the check is still there");
}

#[tokio::test]
async fn static_folders_are_looked_for_beside_the_file() {
    let manifest = b"compress = false\n[[static]]\nfolder = \"_hello\"\npath = \"/static\"\n";
    let home = home_with(&[("deep/hello.wasm", &guest::bytes(guest::HELLO)), ("deep/hello.toml", manifest)]);
    let (code, document) = json(&["deep/hello.wasm"], home.path()).await;
    assert_eq!((code, document[0]["verdict"].as_str()), (1, Some("pending")), "{document:#}");
    let why = document[0]["why"].as_str().unwrap();
    assert!(why.starts_with("waits for the static folder `_hello` beside its manifest"), "{why}");
    fs::create_dir(home.path().join("deep/_hello")).unwrap();
    let (code, document) = json(&["deep/hello.wasm"], home.path()).await;
    assert_eq!(code, 0, "{document:#}");
    let asked = &document[0]["asked"];
    assert_eq!(
        (asked["static"][0]["folder"].as_str(), asked["static"][0]["path"].as_str()),
        (Some("_hello"), Some("/static/"))
    );
    assert_eq!(asked["compress"], false);
    let ended = run(&["check", "deep/hello.wasm"], home.path()).await;
    assert!(ended.stdout.contains("asks for the files of `_hello` at /static/, compress false"), "{}", ended.stdout);
}

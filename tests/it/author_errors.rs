//! What an author is told who dropped the wrong thing: each text is kept beside this file, and is the same wherever it is shown.

use std::path::Path;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;

use crate::harness::folder::AppsFolder;
use crate::harness::host::TestHost;
use crate::harness::process::Process;
use crate::harness::process::run;
use crate::harness::serving::until_file;

/// A component that exports an instance under this name, with nothing in it.
fn exporting(name: &str) -> Vec<u8> {
    component(&format!("(instance $it) (export {name:?} (instance $it))"))
}

/// A component that exports a handler of the gateway, and has `more` in it.
fn component(more: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {more})")).unwrap()
}

/// A gateway component whose handler is never called, with these imports and this core module.
fn app(imports: &str, module: &str) -> Vec<u8> {
    component(&format!(
        "{imports}
         (core module $m {module})
         (core instance $i (instantiate $m))
         (instance $door)
         (export \"guesthouse:gateway/handler@0.1.0\" (instance $door))"
    ))
}

/// A component of the 0.2 lane with the function that the host calls, whose module has `more` in it.
fn handler(more: &str) -> Vec<u8> {
    component(&format!(
        "(import \"wasi:http/types@0.2.0\" (instance $types
             (export \"incoming-request\" (type (sub resource)))
             (export \"response-outparam\" (type (sub resource)))))
         (alias export $types \"incoming-request\" (type $request))
         (alias export $types \"response-outparam\" (type $out))
         (core module $m (func (export \"handle\") (param i32 i32)) {more})
         (core instance $i (instantiate $m))
         (func $handle (param \"request\" (own $request)) (param \"response-out\" (own $out))
             (canon lift (core func $i \"handle\")))
         (instance $door (export \"handle\" (func $handle)))
         (export \"wasi:http/incoming-handler@0.2.0\" (instance $door))"
    ))
}

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {text})")).unwrap()
}

/// What `check` says of a file that would not be taken, without what differs from run to run.
async fn said(name: &str, bytes: &[u8], manifest: Option<&str>) -> String {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(name), bytes).unwrap();
    if let Some(text) = manifest {
        std::fs::write(Path::new(&home.path().join(name)).with_extension("toml"), text).unwrap();
    }
    let ended = run(&["check", name, "--format", "json"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1), "{}{}", ended.stdout, ended.stderr);
    let reports: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let report = &reports[0];
    format!("{}: {}", report["verdict"].as_str().unwrap(), report["why"].as_str().unwrap())
}

/// Holds what is said of `bytes` against the text that is kept under `name`. A changed text fails the test: it is to be
/// read, and kept with `INSTA_UPDATE=always`.
async fn check(name: &str, bytes: &[u8]) {
    check_file(name, "app.wasm", bytes, None).await;
}

async fn check_file(name: &str, file: &str, bytes: &[u8], manifest: Option<&str>) {
    let said = said(file, bytes, manifest).await;
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, said));
}

#[tokio::test]
async fn what_is_not_webassembly_is_named() {
    check("empty", b"").await;
    check("elf", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0").await;
    check("gzip", b"\x1f\x8b\x08\0\0\0\0\0").await;
    check("zip", b"PK\x03\x04\x14\0\0\0").await;
    check("html", b"<!DOCTYPE html>\n<html><body>404</body></html>").await;
    check("javascript", b"export const handler = { handle() {} };\n").await;
    check("python", b"from wit_world import exports\n\nclass App(exports.Handler):\n    pass\n").await;
    check("text-format", b"(component)").await;
    check("something-else", &[0xff, 0, 1, 2, 3, 4, 5, 6]).await;
}

#[tokio::test]
async fn what_is_not_complete_is_waited_for() {
    let hello = guest::bytes(guest::HELLO);
    check("truncated", &hello[..5000]).await;
}

#[tokio::test]
async fn core_modules_are_told_apart() {
    let preview1 = "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))";
    check("module", &module("")).await;
    check("module-wasip1-command", &module(&format!("{preview1} (func (export \"_start\"))"))).await;
    check("module-wasip1-library", &module(&format!("{preview1} (func (export \"handle\"))"))).await;
    check("module-program", &module("(func (export \"_start\"))")).await;
    check("module-browser", &module("(import \"./app_bg.js\" \"__wbindgen_throw\" (func))")).await;
    let unwrapped = "(func (export \"guesthouse:gateway/handler@0.1.0#handle\"))";
    check("module-unwrapped", &module(unwrapped)).await;
    check("module-unwrapped-wasip1", &module(&format!("{preview1} {unwrapped}"))).await;
}

#[tokio::test]
async fn components_without_a_handler_are_told_what_is_wanted() {
    check("draft-format", b"\0asm\x0a\0\x01\0").await;
    check("exports-nothing", &component("")).await;
    check("exports-run", &exporting("wasi:cli/run@0.2.3")).await;
    check("exports-other", &exporting("my:shop/cart@1.2.0")).await;
    check("exports-types", &exporting("wasi:http/types@0.2.3")).await;
    check("exports-handler-0.1", &exporting("wasi:http/incoming-handler@0.1.0")).await;
    check("exports-handler-0.4", &exporting("wasi:http/incoming-handler@0.4.0")).await;
    check("exports-handler-draft", &exporting("wasi:http/handler@0.3.0-rc-2026-01-06")).await;
    check("exports-handler-02-draft", &exporting("wasi:http/incoming-handler@0.2.0-rc-2023-11-10")).await;
    check("exports-handler-without-version", &exporting("wasi:http/incoming-handler")).await;
    check("exports-gateway-0.2", &exporting("guesthouse:gateway/handler@0.2.0")).await;
}

/// An import of one function, in an interface.
fn import(interface: &str, function: &str) -> String {
    format!("(import {interface:?} (instance (export {function:?} (func))))")
}

#[tokio::test]
async fn imports_that_are_not_offered_are_all_named() {
    let store = import("wasi:keyvalue/store@0.2.0-draft", "open");
    check("import-unknown", &app(&import("my:shop/stock@1.0.0", "count"), "")).await;
    check("import-several", &app(&format!("{store} {}", import("my:shop/stock@1.0.0", "count")), "")).await;
    check("import-plain", &app("(import \"log\" (func))", "")).await;
    check("import-other-version", &app(&import("wasi:cli/environment@0.4.0", "get-environment"), "")).await;
    check("import-draft", &app(&import("wasi:cli/environment@0.3.0-rc-2026-01-06", "get-environment"), "")).await;
}

#[tokio::test]
async fn a_newer_release_links_until_it_needs_something_new() {
    check("import-newer-function", &app(&import("wasi:cli/environment@0.2.99", "get-everything"), "")).await;
    check("import-other-type", &app(&import("wasi:cli/environment@0.2.99", "get-environment"), "")).await;
}

#[tokio::test]
async fn what_does_not_fit_says_by_how_much() {
    check("memory-to-start", &app("", "(memory 4096)")).await;
    let manifest = Some("[limits]\nmemory = \"32MiB\"\n");
    check_file("memory-to-start-asked", "app.wasm", &app("", "(memory 1024)"), manifest).await;
    check_file("memory-above-policy", "app.wasm", &app("", ""), Some("[limits]\nmemory = \"8GiB\"\n")).await;
    check("table-too-large", &app("", "(table 200000 funcref)")).await;
    let instances = "(core instance (instantiate $n))".repeat(10_001);
    check("instances-too-many", &app(&format!("(core module $n) {instances}"), "")).await;
}

#[tokio::test]
async fn a_first_instance_that_fails_is_shown_with_its_trap() {
    check("start-traps", &handler("(func $boom unreachable) (start $boom)")).await;
    let spins = handler("(func $spin (loop br 0)) (start $spin)");
    check_file("start-never-ends", "app.wasm", &spins, Some("[limits]\ncpu = \"300ms\"\n")).await;
    check("handler-without-a-function", &app("", "")).await;
}

#[tokio::test]
async fn the_name_is_part_of_it() {
    let hello = guest::bytes(guest::HELLO);
    check_file("name-upper", "Shop_1.wasm", &hello, None).await;
    check_file("name-hidden", ".hidden.wasm", &hello, None).await;
    check_file("name-case", "shop.WASM", &hello, None).await;
    check_file("name-no-wasm", "shop.txt", &hello, None).await;
}

#[tokio::test]
async fn each_reason_has_a_code_and_says_whose_turn_it_is() {
    let hello = guest::bytes(guest::HELLO);
    let cases: Vec<(&str, Vec<u8>, Option<&str>, &str)> = vec![
        ("Shop_1.wasm", hello.clone(), None, "refused name author"),
        ("shop.txt", hello.clone(), None, "refused name author"),
        ("half.wasm", hello[..5000].to_vec(), None, "pending incomplete author"),
        ("empty.wasm", Vec::new(), None, "pending incomplete author"),
        ("other-half.wasm", hello.clone(), Some(OTHER_CODE), "pending incomplete author"),
        ("page.wasm", b"<!DOCTYPE html>".to_vec(), None, "refused component author"),
        ("module.wasm", module(""), None, "refused component author"),
        ("imports.wasm", app(&import("my:shop/stock@1.0.0", "count"), ""), None, "refused imports author"),
        ("key.wasm", hello.clone(), Some("nonsense = 1\n"), "refused manifest author"),
        ("policy.wasm", hello.clone(), Some("[limits]\nmemory = \"8GiB\"\n"), "refused policy operator"),
        ("lane.wasm", hello.clone(), Some("[instances]\nreuse = 9\nconcurrent = 2\n"), "refused lane author"),
        (
            "before.wasm",
            guest::bytes(guest::HELLO_HTTP03),
            Some("before = [\"_a.wasm\"]\n"),
            "pending middleware author",
        ),
        ("memory.wasm", app("", "(memory 4096)"), None, "refused memory author"),
        ("table.wasm", app("", "(table 200000 funcref)"), None, "refused component author"),
        ("secret.wasm", hello.clone(), Some("[environment]\nA = { file = \"a\" }\n"), "pending secrets operator"),
        ("static.wasm", hello.clone(), Some("[[static]]\nfolder = \"_public\"\n"), "pending statics author"),
        ("start.wasm", handler("(func $boom unreachable) (start $boom)"), None, "refused probe author"),
        ("gone.wasm", Vec::new(), None, "refused unreadable operator"),
    ];
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("guesthouse.toml"), "[policy]\nsecrets = [\"a\"]\n").unwrap();
    let mut arguments = vec!["check", "--config", "guesthouse.toml", "--format", "json"];
    for (name, bytes, manifest, _) in &cases {
        let file = home.path().join(name);
        if *name != "gone.wasm" {
            std::fs::write(&file, bytes).unwrap();
        }
        if let Some(text) = manifest {
            std::fs::write(file.with_extension("toml"), text).unwrap();
        }
        arguments.push(name);
    }
    let ended = run(&arguments, home.path()).await;
    let reports: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    for (at, (name, _, _, expected)) in cases.iter().enumerate() {
        let said = ["verdict", "code", "blame"].map(|key| reports[at][key].as_str().unwrap_or("null"));
        assert_eq!(said.join(" "), *expected, "{name}: {:#}", reports[at]["why"]);
    }
}

/// A manifest for another component.
const OTHER_CODE: &str = "sha256 = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n";

#[tokio::test]
async fn the_code_of_a_reason_stands_in_the_status_the_journal_and_the_log() {
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("app.toml", "[limits]\nmemory = \"8GiB\"\n");
    apps.rename_in("app.wasm", guest::bytes(guest::HELLO));
    let mut host = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home.path());
    let line = host.logs("refused").await;
    assert!(line.contains("reason.code=policy reason.blame=operator"), "{line}");
    let state = home.path().join("state");
    until_file(&state.join("status.json"), "\"code\": \"policy\",\n        \"blame\": \"operator\"").await;
    until_file(&state.join("state.json"), "\"code\": \"policy\",\n        \"blame\": \"operator\"").await;
}

#[tokio::test]
async fn status_log_and_page_say_what_the_check_says() {
    let bytes = app(&import("my:shop/stock@1.0.0", "count"), "");
    let check = said("app.wasm", &bytes, None).await;
    let why = check.trim_start_matches("refused: ");

    let host = TestHost::new().app("app", &bytes).config(|config| config.serve.inner_details = true).run().await;
    assert_eq!(host.until_state("app", AppState::Refused).await, why);
    let page = host.get("/app/").await;
    assert!(page.text().contains(why), "{}", page.text());

    let home = tempfile::tempdir().unwrap();
    AppsFolder::create(home.path().join("apps")).rename_in("app.wasm", &bytes);
    let mut host = Process::start(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home.path());
    let line = host.logs("refused").await;
    assert!(line.contains(why), "{line}");
}

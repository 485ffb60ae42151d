//! Components that are well written, and of a shape that no host can hold.

use std::fmt::Write as _;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;

use crate::harness::host::TestHost;
use crate::malformed::drops::Drops;
use crate::malformed::parts::COMPONENT;
use crate::malformed::parts::CORE_MODULE;
use crate::malformed::parts::MODULE;
use crate::malformed::parts::PREAMBLE;
use crate::malformed::parts::handler;
use crate::malformed::parts::leb;
use crate::malformed::parts::section;
use crate::malformed::parts::text_with_door;
use crate::malformed::parts::with_door;

/// An app whose module has these fields.
fn module(fields: &str) -> Vec<u8> {
    handler(fields, "")
}

async fn drops() -> Drops {
    Drops::run(TestHost::new().config(|config| config.sandbox.memory_total_bytes_max = 1 << 30)).await
}

async fn check(drops: &mut Drops, name: &str, bytes: Vec<u8>, expected: &str) {
    let why = drops.refused(name, bytes).await;
    assert!(expected.split('|').any(|text| why.contains(text)), "{name}: {why}");
}

#[tokio::test]
async fn what_needs_more_than_there_is_to_start_is_refused_with_its_figure() {
    let mut drops = drops().await;
    check(&mut drops, "memory-4g", module("(memory 65536)"), "needs 4GiB of memory to start").await;
    check(&mut drops, "memory-64-bit", module("(memory i64 281474976710655)"), "of memory to start|not a valid").await;
    check(&mut drops, "memories", module(&"(memory 16384)".repeat(8)), "needs 8GiB of memory to start").await;
    check(&mut drops, "table-4g", module("(table 4294967295 funcref)"), "needs a table of 4294967295 entries").await;
    check(&mut drops, "tables", module(&"(table 90000 funcref)".repeat(90)), "its first instance failed").await;
    check(&mut drops, "tables-many", module(&"(table 1 funcref)".repeat(10_001)), "it has 10001 tables").await;
    // A module that is small, and is instantiated again and again.
    let instances = "(core instance (instantiate $m))".repeat(990);
    let again = handler("(memory 160) (table 9000 funcref)", &instances);
    check(&mut drops, "instances", again, "its first instance failed").await;
}

#[tokio::test]
async fn what_takes_all_it_can_while_it_starts_is_refused() {
    let mut drops = drops().await;
    let manifest = "[limits]\ncpu = \"500ms\"\nmemory = \"32MiB\"\n";
    for name in ["loops", "grows", "recurses", "collects", "tables", "throws"] {
        drops.host.apps.rename_in(&format!("{name}.toml"), manifest);
    }
    let at_start = |body: &str| module(&format!("{body} (start $s)"));
    check(&mut drops, "loops", at_start("(func $s (loop br 0))"), "CPU time").await;
    let grows =
        "(memory 1) (func $s (loop (br_if 0 (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable)";
    check(&mut drops, "grows", at_start(grows), "ran out of memory").await;
    check(&mut drops, "recurses", at_start("(func $s call $s)"), "call stack exhausted").await;
    // Memory that a collector keeps for it is memory as well.
    let collects = "(type $a (array (mut i64))) (type $l (struct (field (ref null $l)) (field (ref $a))))
        (global $kept (mut (ref null $l)) (ref.null $l))
        (func $s (loop (global.set $kept (struct.new $l (global.get $kept)
            (array.new $a (i64.const 7) (i32.const 100000)))) br 0))";
    check(&mut drops, "collects", at_start(collects), "ran out of memory").await;
    let tables = "(table 0 funcref) (func $s (loop (br_if 0 (i32.ne
        (table.grow (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable)";
    check(&mut drops, "tables", at_start(tables), "unreachable").await;
    check(&mut drops, "throws", at_start("(tag $t) (func $s (throw $t))"), "its first instance failed").await;
}

/// A component within a component, and so on.
fn nested(depth: usize) -> Vec<u8> {
    let mut lengths = vec![PREAMBLE.len()];
    for _ in 0..depth {
        let inner = lengths[lengths.len() - 1];
        lengths.push(PREAMBLE.len() + 1 + leb(inner).len() + inner);
    }
    let heads = lengths.iter().rev().skip(1).flat_map(|inner| [PREAMBLE, &[COMPONENT], &leb(*inner)].concat());
    heads.chain(PREAMBLE.iter().copied()).collect()
}

#[tokio::test]
async fn components_within_components_have_an_end() {
    let mut drops = drops().await;
    for depth in [100, 5_000, 500_000] {
        let bytes = with_door(&section(COMPONENT, &nested(depth)));
        check(&mut drops, &format!("nested-{depth}"), bytes, "more than 100 components within each other").await;
    }
    check(&mut drops, "nested-50", with_door(&section(COMPONENT, &nested(50))), "its exports do not fit").await;
    // Side by side rather than within each other.
    let many = section(CORE_MODULE, MODULE).repeat(20_000);
    check(&mut drops, "beside", with_door(&many), "").await;
}

#[tokio::test]
async fn code_of_absurd_shape_is_decided_on_like_any_other() {
    let mut drops = drops().await;
    let mut types = String::new();
    for number in 0..20_000 {
        write!(types, "(type (func (param {})))", "i32 ".repeat(number % 40)).unwrap();
    }
    let blocks = format!("(func {} {})", "block ".repeat(20_000), "end ".repeat(20_000));
    let branches = format!("(func (param i32) block (br_table {} (local.get 0)) end)", "0 ".repeat(100_000));
    let locals = format!("(func (local {}))", "i64 ".repeat(60_000));
    let files = [("types", types), ("blocks", blocks), ("branches", branches), ("locals", locals)];
    let files = files.map(|(name, fields)| (name.to_owned(), module(&fields)));
    for (app, (name, _)) in drops.drop_all(&files).await.iter().zip(&files) {
        // Valid is what the specification says; the compiler's limits are its own.
        let is_refused =
            app.newest.state == AppState::Refused && app.newest.why.as_ref().is_some_and(|why| !why.is_empty());
        assert!(is_refused || (app.newest.state == AppState::Live && name != "locals"), "{name}: {app:?}");
    }
}

#[tokio::test]
async fn types_that_are_made_of_each_other_do_not_grow_without_end() {
    let mut drops = drops().await;
    for levels in [18, 60] {
        let mut types = "(type $t0 (tuple u8 u8))".to_owned();
        for level in 1..=levels {
            let below = level - 1;
            write!(types, "(type $t{level} (tuple $t{below} $t{below}))").unwrap();
        }
        let import = format!(
            "{types} (type $f (func (param \"it\" $t{levels}))) (import \"a:b/c\" (instance (export \"f\" (func (type $f)))))"
        );
        check(&mut drops, &format!("types-{levels}"), text_with_door(&import), "a:b/c|not a valid component").await;
    }
}

#[tokio::test]
async fn names_and_imports_of_absurd_length_make_no_long_reason() {
    let mut drops = drops().await;
    let long = format!("a:b/{}", "x".repeat(90_000));
    let import = |name: &str| format!("(import \"{name}\" (instance (export \"f\" (func))))");
    check(&mut drops, "import", text_with_door(&import(&long)), "").await;
    let mut imports = String::new();
    for number in 0..500 {
        imports.push_str(&import(&format!("a:b/{}{number}@1.0.0", "x".repeat(1_000))));
    }
    check(&mut drops, "imports", text_with_door(&imports), "more bytes)").await;
    let export = format!("(component (instance $it) (export {long:?} (instance $it)))");
    check(&mut drops, "export", wat::parse_str(export).unwrap(), "it exports").await;
}

#[tokio::test]
async fn what_is_no_component_is_refused_by_what_it_is() {
    let mut drops = drops().await;
    let core = |text: &str| wat::parse_str(format!("(module {text})")).unwrap();
    let preview1 = "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32))) (func (export \"_start\"))";
    check(&mut drops, "core", core(""), "a core module, not a component").await;
    check(&mut drops, "command", core(preview1), "a command for WASI 0.1").await;
    check(&mut drops, "text", b"(component)".to_vec(), "its text format").await;
    // What this host itself makes of a component: machine code, under the name of a component.
    let home = tempfile::tempdir().unwrap();
    let [input, output] = ["in.wasm", "out.cwasm"].map(|name| home.path().join(name));
    std::fs::write(&input, guest::bytes(guest::HELLO)).unwrap();
    let mut child = tokio::process::Command::new(crate::harness::host::program());
    child.args(["compile", "--target", "plain", "--memory-bytes-max", "4294967296", "--cpu-seconds-max", "240"]);
    child.arg("--input").arg(&input).arg("--output").arg(&output);
    assert!(child.status().await.unwrap().success());
    let compiled = std::fs::read(&output).unwrap();
    check(&mut drops, "precompiled", compiled.clone(), "machine code").await;
    // Under its own name it is left alone.
    drops.host.apps.rename_in("left.cwasm", compiled);
    drops.swap().await;
    assert!(!drops.host.deploy.status().borrow().apps.keys().any(|name| name.contains("left")));
}

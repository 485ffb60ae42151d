//! A gateway guest written by hand, for what Rust has no words for: a global and a table of its own.

use wit_component::ComponentEncoder;
use wit_component::StringEncoding;
use wit_component::embed_component_metadata;
use wit_parser::Resolve;

/// Counts in a global, leaves something in a table, and tells what it found in them.
const CODE: &str = r#"
(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 1024))
  (table $left 1 funcref)
  (elem declare func $something)
  (func $something)

  (data (i32.const 64) "global 0, table: filled")
  (data (i32.const 128) "global 0, table: empty")

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  ;; The record comes as a pointer, and a pointer to result<response, string> goes back:
  ;; 0 ok; 4 status; 8 headers, 12 how many; 16 body, 20 how long.
  (func (export "guesthouse:gateway/handler@0.1.0#handle") (param i32) (result i32)
    (local $text i32)
    (local $length i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (if (ref.is_null (table.get $left (i32.const 0)))
      (then (local.set $text (i32.const 128)) (local.set $length (i32.const 22)))
      (else (local.set $text (i32.const 64)) (local.set $length (i32.const 23))))
    (table.set $left (i32.const 0) (ref.func $something))
    ;; The digit after "global ".
    (i32.store8 offset=7 (local.get $text) (i32.add (i32.const 48) (global.get $count)))
    (i32.store16 offset=4 (i32.const 0) (i32.const 200))
    (i32.store offset=16 (i32.const 0) (local.get $text))
    (i32.store offset=20 (i32.const 0) (local.get $length))
    (i32.const 0))
)
"#;

/// The component.
pub fn component() -> Vec<u8> {
    let mut module = wat::parse_str(CODE).unwrap();
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("app")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

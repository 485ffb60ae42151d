//! An app that does arbitrary things, from its bytes to its answer.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/fuzz/component.rs"]
mod component;

fuzz_target!(|bytes: &[u8]| {
    component::component(bytes);
});

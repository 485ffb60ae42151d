//! Bytes of a manifest.

#![no_main]

use guesthouse_deploy::load::fuzz::manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    manifest(bytes);
});

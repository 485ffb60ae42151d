//! Bytes of a file in the apps folder, up to the store.

#![no_main]

use guesthouse_deploy::load::fuzz::file;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    file(bytes);
});

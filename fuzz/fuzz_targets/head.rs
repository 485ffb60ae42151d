//! Bytes of a connection of HTTP/1, up to what is admitted.

#![no_main]

use guesthouse_serve::request::head_fuzz::head;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    head(bytes);
});

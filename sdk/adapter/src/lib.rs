//! The adapter: a gateway app behind it is called through `wasi:http/incoming-handler` 0.2, by any host.
//!
//! It does what guesthouse does for the gateway lane, as far as a guest can: the whole body within a bound, the fields that
//! may pass, mount, visitor and id from what a proxy says, and a 502 for an error of the app's.

// Natively only the tests are built, and nobody calls them from a door.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod behind;
#[cfg(target_family = "wasm")]
mod door;
mod fields;
mod forwarded;
#[cfg(target_family = "wasm")]
mod question;
#[cfg(target_family = "wasm")]
mod reply;

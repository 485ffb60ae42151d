//! my-app: a page, a stream of lines, and an echo.

// Natively only the tests are built, and nobody calls them from a door.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

#[cfg(target_family = "wasm")]
mod door;
mod page;

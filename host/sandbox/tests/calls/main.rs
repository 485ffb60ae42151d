//! Real guests, called without sockets.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod faults;
mod folders;
mod harness;
mod reuse;

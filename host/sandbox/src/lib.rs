//! The sandbox: all of wasmtime, and nothing else of the host.
//!
//! The way of a component through this crate is the reader's order:
//! `inspect` in the crate `guesthouse_component` (what is it?) → [`compile`](engine::compile) (in a child process) →
//! [`prepare`](engine::Sandbox::prepare) (load and link) → [`guest`] (instantiate and call, once per request).
//!
//! Nothing outside this crate names a wasmtime type, and this crate knows no sockets, and of folders those that guests see.

pub mod bounds;
pub mod capability;
pub mod command;
pub mod console;
pub mod engine;
pub mod fault;
pub mod guest;
mod health;
pub mod instances;
mod lane;
pub mod limits;
pub mod offer;
pub mod request;
pub mod settings;

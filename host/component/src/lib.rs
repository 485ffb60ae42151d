//! Components as bytes: what is in one, what two of them make together, and which of our runtimes it is in. Nothing is run
//! or compiled here, and nothing here knows of wasmtime.
//!
//! The reader's order: [`inspect`] (what is it?) → [`compose`] (a middleware before an app) → [`runtime`] (an interpreter
//! that many apps share). [`interface`] reads the names of interfaces.

pub mod compose;
pub mod inspect;
pub mod interface;
pub mod runtime;

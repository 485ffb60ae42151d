//! The sandbox: all of wasmtime, and nothing else of the host.
//!
//! The way of a component through this crate is the reader's order:
//! `inspect` in the crate `guesthouse_component` (what is it?) → [`compile`] (in a child process) → [`prepare`](engine::Sandbox::prepare) (load and link)
//! → [`guest`] (instantiate and call, once per request).
//!
//! Nothing outside this crate names a wasmtime type, and this crate knows no sockets, and of folders those that guests see.

mod advice;
mod ahead;
mod capability;
mod clock;
pub mod compile;
mod crew;
mod deadline;
mod depot;
pub mod engine;
pub mod fault;
pub mod folder;
pub mod functions;
pub mod guest;
mod handles;
mod health;
mod idle;
mod instance;
mod lane;
pub mod limits;
mod listing;
mod lot;
mod measure;
mod member;
mod memory;
pub mod offer;
mod output;
mod pool;
mod precompiled;
pub mod request;
pub mod response;
pub mod scratch;
pub mod settings;
mod store;
mod tag;
pub mod target;
mod turns;
mod upkeep;
pub mod visit;
mod writer;

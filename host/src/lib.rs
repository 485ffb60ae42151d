//! Guesthouse: a host that serves WebAssembly apps dropped into a folder.
//!
//! The way through the code is drawn in `docs/ARCHITECTURE.md`. In short: `main` → `cli` (what was typed) → `config` (what
//! is meant) → `host` (wiring, with somebody before it in `attend`) → the two streets, `serve` and `deploy`, which meet only in `routes`.

pub mod app;
pub mod attend;
pub mod builders;
pub mod builds;
pub mod cli;
pub mod coding;
pub mod commands;
pub mod config;
pub mod deploy;
pub mod dev;
pub mod failures;
pub mod files;
mod headers;
pub mod host;
pub mod new;
mod opened;
pub mod percent;
#[cfg(test)]
#[path = "../../tests/harness/random.rs"]
mod random;
pub mod routes;
pub mod serve;
pub mod shutdown;
pub mod telemetry;

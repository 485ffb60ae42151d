//! Guesthouse: a host that serves WebAssembly apps dropped into a folder.
//!
//! The way through the code is drawn in `docs/ARCHITECTURE.md`. In short: `main` → `cli` (what was typed) → `config` (what
//! is meant) → `host` (wiring, with somebody before it in `foreground`) → the two paths, `serve` and `deploy`, which meet only in `routes`.

pub mod cli;
pub mod commands;
pub mod config;
pub mod dev;
pub mod foreground;
pub mod host;
pub mod shutdown;
pub mod telemetry;

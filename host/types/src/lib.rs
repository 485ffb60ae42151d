//! What all crates speak of: names of apps and digests, declared routes, sizes and spans, text that is safe to show,
//! mistakes in TOML, environment files, where apps go outside, patterns, and files that only we may have written. Nothing here knows
//! of apps, of HTTP or of wasmtime.

pub mod destination;
pub mod env_file;
pub mod escape;
pub mod name;
pub mod pattern;
pub mod private;
pub mod route;
pub mod target;
pub mod toml_error;
pub mod units;

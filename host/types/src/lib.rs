//! What every room speaks of: names of apps and digests, sizes and spans, text that is safe to show, mistakes in TOML, and
//! files that only we may have written. Nothing here knows of apps, of HTTP or of wasmtime.

pub mod escape;
pub mod explain;
pub mod name;
pub mod private;
pub mod units;

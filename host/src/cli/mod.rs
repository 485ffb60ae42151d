//! What was typed: commands, flags and their values. What it means is decided in `config`.

pub mod check;
pub mod compile;
mod confine;
pub mod flags;
mod imports;
mod report;
pub mod values;

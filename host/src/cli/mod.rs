//! What was typed: commands, flags and their values. What it means is decided in `config`.

pub mod completions;
pub mod editor;
pub mod flags;
pub mod man;
pub mod values;

//! What was typed: commands, flags and their values. What it means is decided in `config`.

pub mod editor;
pub mod flags;
pub mod values;

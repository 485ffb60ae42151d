//! Wheels for the guest, made of sources: without their native code where a package does without, else compiled for WebAssembly.
//!
//! make (which of the ways?) → plain (compilers fail) or compile (own environment; rust, c) → kept, by what they were made of

pub mod about;
pub mod given;
pub mod kept;
pub mod left_out;
pub mod make;
pub mod native;
pub mod plain;
pub mod shop;
pub mod stand_in;
pub mod switches;

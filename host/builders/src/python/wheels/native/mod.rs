//! Native packages compiled for the guest: Rust, C and C++, and what stops one.

pub mod c;
pub mod compile;
pub mod failure;
pub mod headers;
pub mod recipe;
pub mod rust;

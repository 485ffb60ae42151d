//! What commands do that are not a host: `build`, `check`, `doctor`, `run`, and `compile`, which the deploy path starts as a child.

pub mod build;
pub mod check;
pub mod compile;
mod confine;
pub mod doctor;
pub mod run;

//! What commands do that are not a host: `check`, `doctor`, `run`, and `compile`, which the deploy path starts as a child.

pub mod check;
pub mod compile;
mod confine;
pub mod doctor;
pub mod run;

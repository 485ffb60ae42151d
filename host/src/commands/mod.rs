//! What commands do that are not a host: `check`, and `compile`, which the drop street starts as a child.

pub mod check;
pub mod compile;
mod confine;
mod imports;
mod report;

//! The operator's side of the host: whether it is well, how full it is, and commands of apps. It reads the route table, as requests do.

pub mod frames;
pub mod listener;
pub mod run;
pub mod status;

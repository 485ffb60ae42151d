//! What an index has, and which of it was chosen.

pub mod native;
pub mod raised;
pub mod resolve;

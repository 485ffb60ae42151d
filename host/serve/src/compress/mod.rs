//! Which responses are compressed, and by what.

pub mod encoder;
pub(crate) mod negotiate;

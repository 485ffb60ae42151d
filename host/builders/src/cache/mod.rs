//! What is kept between builds: tools, components, and by what a change shows.

pub(crate) mod builds;
pub(crate) mod fingerprint;
pub(crate) mod source_digest;
pub mod tools;

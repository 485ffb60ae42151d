//! What an author asks for, what the operator allows, and what comes of both.
//!
//! `asked` has the manifest, `section` what a component says by itself, `policy` the operator's rules, and `terms` what one
//! revision is given. The other files have one table of keys each. Nothing in here opens a file or knows how a bound is held.

pub mod asked;
pub mod instances;
pub mod internal;
pub mod limits;
pub mod outbound;
pub mod policy;
pub mod request;
pub mod section;
pub mod state;
pub mod statics;
mod table;
pub mod terms;

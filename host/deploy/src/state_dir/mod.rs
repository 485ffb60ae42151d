//! The state directory: who may write there, and what is kept in it.

pub(crate) mod checksummed;
pub(crate) mod journal;
pub(crate) mod lock;
pub(crate) mod store;
pub mod unwritable;
pub(crate) mod writer;

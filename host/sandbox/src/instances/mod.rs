//! Guests at work: instances, and the calls that they answer.

pub mod call;
pub(crate) mod exchange;
pub(crate) mod idle;
pub(crate) mod instance;
pub(crate) mod message;
pub(crate) mod read_ahead;
pub mod response;
pub(crate) mod shared;
pub(crate) mod shared_call;
pub(crate) mod store;
pub(crate) mod unsent;
pub(crate) mod writer;

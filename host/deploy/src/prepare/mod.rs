//! From content in the store to an app that can serve.

pub(crate) mod admissions;
pub(crate) mod artefacts;
pub(crate) mod compile;
pub(crate) mod guest_folders;
pub(crate) mod packs;
pub(crate) mod queue;
pub(crate) mod secrets;
pub(crate) mod single_flight;
pub mod statics;
pub(crate) mod validate;

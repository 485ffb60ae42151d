//! What a build leaves: a component, labelled, and placed where it is served from.

pub(crate) mod adapter;
pub(crate) mod embed;
pub mod install;
pub(crate) mod portable;

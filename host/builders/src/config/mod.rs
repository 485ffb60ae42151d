//! What an author says of a build, and what goes from there into the component.

pub(crate) mod arguments;
pub(crate) mod embedded;
pub mod settings;

//! What the files of a project in JavaScript say.

pub mod manifest;
pub mod members;
pub mod project;

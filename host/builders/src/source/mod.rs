//! The author's source: what kind it is, and what of it is built.

pub mod dotenv;
pub mod find;
pub mod javascript;
pub mod python;
pub(crate) mod secret_names;
pub(crate) mod stage;
pub mod watched;

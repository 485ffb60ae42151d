//! From files in the apps folder to content in the store.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub(crate) mod middleware;
pub(crate) mod read;

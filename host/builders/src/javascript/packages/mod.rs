//! The packages that an app in JavaScript uses: those that lie beside it, or a copy of our own of what its lock names.
//!
//! manager (whose lock it is, and how that installs) → installed (the folders for the bundler)

pub mod installed;
mod manager;

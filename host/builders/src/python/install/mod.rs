//! What an app needs, installed for the guest: packages, and the project itself.

pub mod backend;
pub mod outdated;
pub mod own;
pub mod packages;

//! From the staged app to its component: the snapshot, what the SDK says of it, and what the app asks for.

pub mod again;
pub mod beside;
pub mod declared;
pub mod environ;
pub mod kdf;
pub mod missing;
pub mod report;
pub mod snapshot;
pub mod variables;

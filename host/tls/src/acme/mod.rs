//! Certificates from an authority (ACME, RFC 8555): one for each host name, ordered when it is first wanted, and renewed.
//!
//! ```text
//! wanted names ── tend ── pace (whose turn it is) ── order (one name) ── folder (what is kept)
//!                                                        └ certificates: the answers to challenges
//! ```

pub mod folder;
pub mod order;
pub mod pace;
mod places;
pub mod renew;
pub mod settings;

//! Certificates, and the handshakes made with them.
//!
//! ```text
//! files ───────┐
//! self_signed ─┼─ certificate ── certificates (who has which name) ── handshake ── serve
//! acme ────────┘      └ names              └ challenges
//! ```
//!
//! All of rustls is here. One certificate has one rustls configuration, chosen by the name that a visitor asks for before
//! the handshake goes on, so that the connection knows what its certificate covers.

pub mod acme;
pub mod certificate;
pub mod certificates;
pub mod files;
pub mod handshake;
pub mod names;
pub mod self_signed;

//! What the guests that exist for tests would otherwise repeat. The examples for authors do without it.

pub mod carry;
pub mod connect;
pub mod files;
pub mod memory;
pub mod mischief;
pub mod probe;
pub mod service;
pub mod standard;

//! What tests are written with: a host in this process, its apps folder, a client, and the real program.

pub mod beside;
pub mod client;
pub mod folder;
pub mod frames;
pub mod host;
pub mod outside;
pub mod pebble;
pub mod process;
pub mod random;
pub mod secure;
pub mod servers;
pub mod serving;
pub mod tools;
pub mod visitor;
pub mod webdriver;

use std::time::Duration;

/// How long a test waits for a state before it fails. Nothing is timed by it: a state that comes is taken at once.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Waits for `what`, and fails with its name rather than never.
pub async fn within<T>(what: &str, awaited: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, awaited).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} for: {what}"),
    }
}

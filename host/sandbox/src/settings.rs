//! What makes one guest different from another.

use std::time::Duration;

use crate::capability::CapabilitySettings;
use crate::limits::Limits;

/// What makes one app's guest different from another's.
#[derive(Clone, Debug, Default)]
pub struct GuestSettings {
    /// The app's name, for the log.
    pub app: String,
    /// The revision in short, for the log.
    pub revision: String,
    /// What one request may use.
    pub limits: Limits,
    /// How long one instance serves.
    pub instances: Instances,
    /// What it is to be granted.
    pub capabilities: CapabilitySettings,
    /// The most lines of output that are logged in a second; the rest is counted.
    pub log_lines_per_second_max: u32,
}

/// How long one instance serves. By default for one request: nothing that a guest keeps survives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances {
    /// Requests that one instance answers before it is replaced; 1 is a fresh instance for each.
    pub requests_max: u32,
    /// Requests that it may answer at the same moment. More than one in the 0.3 lane only.
    pub concurrent_max: u32,
    /// How long it waits for its next request.
    pub idle: Duration,
    /// By how much its memory may grow over what it had when it was made, in bytes, before it is replaced.
    pub growth_bytes_max: u64,
}

impl Default for Instances {
    fn default() -> Instances {
        Instances { requests_max: 1, concurrent_max: 1, idle: Duration::from_secs(60), growth_bytes_max: 32 << 20 }
    }
}

impl Instances {
    /// Whether an instance may see a second request.
    pub fn are_reused(&self) -> bool {
        self.requests_max > 1
    }
}

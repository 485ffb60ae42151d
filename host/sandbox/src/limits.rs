//! The bounds that hold for one app on every path.

use std::time::Duration;

/// What one request to one app may use. Every bound holds whether or not the guest co-operates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, all its memories together, in bytes.
    pub memory_bytes_max: u64,
    /// CPU time of one request.
    pub cpu: Duration,
    /// From the call to the response's head.
    pub head: Duration,
    /// Between two pieces of the response's body, counted only while the visitor is ready to take one.
    pub body_idle: Duration,
    /// Length of a buffered (gateway) response's body, in bytes.
    pub response_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes_max: 128 << 20,
            cpu: Duration::from_secs(30),
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(60),
            response_bytes_max: 16 << 20,
        }
    }
}

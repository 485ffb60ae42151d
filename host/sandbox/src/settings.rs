//! What makes one guest different from another.

use crate::limits::Limits;

/// What makes one app's guest different from another's.
#[derive(Clone, Debug)]
pub struct GuestSettings {
    /// The app's name, for the log.
    pub app: String,
    /// The revision in short, for the log.
    pub revision: String,
    /// What one request may use.
    pub limits: Limits,
    /// The environment variables that the operator gives the app.
    pub environment: Vec<(String, String)>,
    /// The most lines of output that are logged in a second; the rest is counted.
    pub log_lines_per_second_max: u32,
}

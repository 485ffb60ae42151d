//! Lines of `dev` on stderr.

use crate::telemetry;

/// Prints one line to stderr, beside those of the build.
pub fn say(line: &str) {
    telemetry::print(&format!("{line}\n"));
}

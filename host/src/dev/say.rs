//! Lines of `dev` on stderr.

use std::io::Write as _;

/// Prints one line to stderr, beside those of the build; nobody may be reading any more.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

//! Why something was not taken, as somebody reads it: names and messages in it come from the file that was dropped.

use guesthouse_types::escape::lines;

/// As much as a backtrace with its names has. It stands in the log, in the status, and in the journal.
const BYTES_MAX: usize = 8 << 10;

/// The reason, cut where it is longer than anybody reads, and without what acts on a terminal.
pub fn readable(why: &str) -> String {
    let kept = &why[..why.floor_char_boundary(BYTES_MAX)];
    let text = lines(kept, "\n").to_string();
    match why.len() - kept.len() {
        0 => text,
        rest => text + &format!("… ({rest} more bytes)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_stays_readable() {
        assert_eq!(readable("imports `log`\nat `a`"), "imports `log`\nat `a`");
        assert_eq!(readable("exports `\x1b[31m`\r"), "exports `\\u{1b}[31m`\\r");
        let long = readable(&"ä".repeat(BYTES_MAX));
        assert!(long.ends_with("ä… (8192 more bytes)") && long.len() < BYTES_MAX + 64, "{}", long.len());
    }
}

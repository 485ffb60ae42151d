//! Of all that a failed build prints, the line that says why: a symbol, or what the compiler did not take.

/// How long a reason may be.
const LENGTH_MAX: usize = 240;

/// Beginnings of lines that say that something failed, and not what.
const SAYS_NOTHING: [&str; 9] = [
    "error: subprocess-exited-with-error",
    "error: Failed to build",
    "error: metadata-generation-failed",
    "error: failed to build",
    "error: failed-wheel-build-for-install",
    "error: could not compile",
    "error: aborting due to",
    "error: `cargo rustc",
    "ERROR: Failed",
];

/// The first line that names a cause, for people.
pub fn why(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().map(clean).filter(|line| !line.is_empty()).collect();
    let is_cause = |line: &&&str| {
        ["error[E", "error:", "ERROR: ", "fatal error:"].iter().any(|sign| line.starts_with(sign))
            || [": error: ", ": fatal error: ", "error occurred in cc-rs", "undefined symbol: "]
                .iter()
                .any(|sign| line.contains(sign))
            || line.split_once(": ").is_some_and(|(kind, _)| kind.ends_with("Error") && !kind.contains(' '))
    };
    let says_something = |line: &&&str| !SAYS_NOTHING.iter().any(|sign| line.starts_with(sign));
    let named = lines.iter().filter(is_cause).find(says_something).or(lines.last());
    let mut reason = named.map_or("nothing was said", |line| line).to_owned();
    // Where it is, if the compiler says that on the next line.
    if reason.starts_with("error[E")
        && let Some(at) = lines.iter().position(|line| *line == reason)
        && let Some(place) = lines.get(at + 1).and_then(|line| line.strip_prefix("--> "))
    {
        let file: Vec<&str> = place.rsplitn(4, '/').collect();
        reason = format!("{reason}, at {}", file.iter().rev().skip(1).copied().collect::<Vec<_>>().join("/"));
    }
    shortened(reason)
}

/// A line without pip's frame around what others print.
fn clean(line: &str) -> &str {
    line.trim().trim_start_matches(['│', '╰', '─', '>', '×']).trim()
}

fn shortened(mut reason: String) -> String {
    if let Some((end, _)) = reason.char_indices().nth(LENGTH_MAX) {
        reason.truncate(end);
        reason.push('…');
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_found_in_what_was_printed() {
        let rust = "   Compiling pyo3 v0.26.0\n  error[E0658]: use of unstable library feature `wasip2`\n    --> \
                    /root/.cargo/registry/src/x/pyo3-0.26.0/src/osstr.rs:26:25\n  error: could not compile `pyo3`\n";
        assert_eq!(
            why(rust.as_bytes()),
            "error[E0658]: use of unstable library feature `wasip2`, at pyo3-0.26.0/src/osstr.rs:26:25"
        );
        let c = "  error: subprocess-exited-with-error\n  │ exit code: 1\n  src/x.c:3:10: fatal error: 'lber.h' file not found\n";
        assert_eq!(why(c.as_bytes()), "src/x.c:3:10: fatal error: 'lber.h' file not found");
        let python = "Traceback\n  RuntimeError: no pg_config\n  ERROR: Failed building wheel for x\n";
        assert_eq!(why(python.as_bytes()), "RuntimeError: no pg_config");
        assert_eq!(why(b""), "nothing was said");
        assert!(why("error: ä".repeat(200).as_bytes()).ends_with('…'));
    }
}

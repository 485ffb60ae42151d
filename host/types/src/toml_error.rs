//! A configuration file's error in one line: where it is, what is wrong, and what was probably meant.

use std::fmt::Display;

use strsim::levenshtein;

/// Explains why `text`, the content of `file`, cannot be read.
pub fn explain(file: impl Display, text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let message = error.message();
    let what = unknown(message, text, at).unwrap_or_else(|| message.replace('\n', ", "));
    format!("{file}:{line}: {what}")
}

/// serde says ``unknown field `x`, expected one of `a`, `b` ``: every second piece between backticks is a name.
fn unknown(message: &str, text: &str, at: usize) -> Option<String> {
    let (what, rest) = match (message.strip_prefix("unknown field "), message.strip_prefix("unknown variant ")) {
        (Some(rest), _) => ("unknown key", rest),
        (_, Some(rest)) => ("unknown value", rest),
        _ => return None,
    };
    let mut names = rest.split('`').skip(1).step_by(2);
    let found = names.next()?;
    let known: Vec<&str> = names.collect();
    let place = match table_at(text, at) {
        Some(table) if what == "unknown key" => format!(" in [{table}]"),
        _ => String::new(),
    };
    let advice = match nearest(found, &known) {
        Some(name) => format!(" (did you mean `{name}`?)"),
        None if known.is_empty() => String::new(),
        None => format!(" (known here: {})", known.join(", ")),
    };
    Some(format!("{what} `{found}`{place}{advice}"))
}

/// The table whose header is the last one before `at`.
fn table_at(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    if text[start..at].trim_start().starts_with('[') {
        return None;
    }
    let headers = text[..start].lines().rev().map(str::trim).filter(|line| line.starts_with('['));
    headers.filter_map(|line| line.trim_start_matches('[').split(']').next()).map(str::trim).next()
}

/// The known name that is at most a third of its letters away.
fn nearest<'known>(found: &str, known: &[&'known str]) -> Option<&'known str> {
    let near = known.iter().map(|name| (levenshtein(found, name), *name));
    near.min().filter(|(distance, name)| distance * 3 <= name.len().max(3)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        assert_eq!(nearest("lisen", &["listen", "domain"]), Some("listen"));
        assert_eq!(nearest("colour", &["listen", "domain"]), None);
    }
}

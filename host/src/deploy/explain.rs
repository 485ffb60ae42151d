//! Turns an error in a TOML file into one line that a person can act on.

use std::fmt::Display;

/// Says where in `text` the error is and what is wrong: `shop.toml:3: unknown key `memry` (did you mean `memory`?)`.
pub fn explain(file: impl Display, text: &str, error: &toml::de::Error) -> String {
    let message = match unknown_key(error.message()) {
        Some(better) => better,
        None => error.message().trim().replace('\n', ": "),
    };
    match error.span() {
        Some(span) => {
            let before = text.as_bytes().iter().take(span.start);
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            format!("{file}:{line}: {message}")
        }
        None => format!("{file}: {message}"),
    }
}

/// Reads serde's sentence for an unknown field and adds the closest known one.
fn unknown_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    // The rest reads ", expected one of `a`, `b`": every second piece between back-ticks is a key.
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    let closest = known.iter().map(|name| (distance(key, name), *name)).min()?;
    Some(if closest.0 <= 1 + key.len() / 4 {
        format!("unknown key `{key}` (did you mean `{}`?)", closest.1)
    } else {
        format!("unknown key `{key}` (known here: {})", known.join(", "))
    })
}

/// The number of insertions, deletions and replacements between two words (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (to, b) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[to + 1];
            row[to + 1] = replaced.min(row[to] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_a_distance() {
        assert_eq!(distance("memry", "memory"), 1);
        assert_eq!(distance("", "cpu"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

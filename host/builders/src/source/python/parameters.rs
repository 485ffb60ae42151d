//! The parameters of a function, as the head of its `def` has them.

/// What stands between the parentheses of `def NAME(…)` in a statement; nothing, if the statement is another.
pub fn of<'line>(line: &'line str, name: &str) -> Option<&'line str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let rest = line.strip_prefix("def ")?.trim_start().strip_prefix(name)?.trim_start().strip_prefix('(')?;
    let mut depth = 1;
    let end = rest.char_indices().find(|(_, c)| {
        depth += i32::from("([{".contains(*c)) - i32::from(")]}".contains(*c));
        depth == 0
    })?;
    Some(&rest[..end.0])
}

/// Their names, in order, and whether each has to be given: one without a default.
pub fn named(parameters: &str) -> Vec<(String, bool)> {
    let (mut depth, mut pieces) = (0_i32, vec![String::new()]);
    for c in parameters.chars() {
        depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
        match c {
            ',' if depth == 0 => pieces.push(String::new()),
            _ => pieces.last_mut().expect("it begins with one").push(c),
        }
    }
    let pieces = pieces.iter().map(|piece| piece.trim()).filter(|piece| !piece.is_empty() && *piece != "/");
    pieces
        .map(|piece| {
            let name = piece.split([':', '=']).next().unwrap_or(piece).trim();
            (name.to_owned(), !piece.contains('=') && !piece.starts_with('*'))
        })
        .collect()
}

/// The names of those that have to be given.
pub fn needed(parameters: &str) -> Vec<String> {
    named(parameters).into_iter().filter(|(_, is_needed)| *is_needed).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_default_need_not_be_given() {
        for (line, expected) in [
            ("def make():", Some(&[][..])),
            ("def make(name, *, x: dict[str, int] = {}, **rest) -> Flask:", Some(&["name"])),
            ("async def make(a: int, b=(1, 2), /):", Some(&["a"])),
            ("def make_other(a):", None),
            ("make(a)", None),
        ] {
            let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            assert_eq!(of(line, "make").map(needed), expected, "{line}");
        }
    }
}

//! Environment files: lines of `NAME=value`, as python-dotenv reads them, without its references from one variable to
//! another.

use std::collections::BTreeMap;

/// What an environment file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EnvFile {
    /// Variables; of two with the same name the last.
    pub variables: BTreeMap<String, String>,
    /// Numbers of the lines that are no variables and no comments, from 1.
    pub unread: Vec<usize>,
}

impl EnvFile {
    /// Reads `NAME=value`, `export NAME=value`, `NAME='value'` and `NAME="value"`. What is quoted may go over several lines;
    /// within double quotes `\n`, `\r`, `\t`, `\\`, `\"` and `\'` are what they are in Python, within single ones `\\` and `\'`.
    /// Outside of quotes ` #` begins a comment.
    pub fn parse(text: &str) -> EnvFile {
        let mut file = EnvFile::default();
        let (mut rest, mut number) = (text, 1);
        while !rest.is_empty() {
            let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
            let line = rest[..end].trim();
            let (taken, variable) = match line.is_empty() || line.starts_with('#') {
                true => (end, None),
                false => match variable(rest, end) {
                    Some((taken, name, value)) => (taken, Some((name, value))),
                    None => {
                        file.unread.push(number);
                        (end, None)
                    }
                },
            };
            file.variables.extend(variable);
            number += rest[..taken].matches('\n').count();
            rest = &rest[taken..];
        }
        file
    }
}

/// The variable at the beginning of `text`, whose first line is `end` bytes long, and how many bytes are its.
fn variable(text: &str, end: usize) -> Option<(usize, String, String)> {
    let (before, after) = text[..end].split_once('=')?;
    let name = before.trim();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).map_or(name, str::trim);
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !is_name {
        return None;
    }
    let indent = after.len() - after.trim_start_matches([' ', '\t']).len();
    let begin = before.len() + 1 + indent;
    let (taken, value) = match text[begin..].chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (length, value) = quoted(&text[begin + 1..], quote)?;
            let after = begin + 1 + length;
            let end = text[after..].find('\n').map_or(text.len(), |at| after + at + 1);
            let left = text[after..end].trim();
            if !left.is_empty() && !left.starts_with('#') {
                return None;
            }
            (end, value)
        }
        _ => {
            let value = text[begin..end].trim();
            let value =
                if value.starts_with('#') { "" } else { value.split(" #").next().unwrap_or_default().trim_end() };
            (end, value.to_owned())
        }
    };
    Some((taken, name.to_owned(), value))
}

/// What stands before the closing `quote`, and how many bytes it and the quote have.
fn quoted(text: &str, quote: char) -> Option<(usize, String)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((at + 1, value)),
            '\\' => match (chars.next()?.1, quote) {
                ('n', '"') => value.push('\n'),
                ('r', '"') => value.push('\r'),
                ('t', '"') => value.push('\t'),
                (c @ '"', '"') | (c @ ('\\' | '\''), _) => value.push(c),
                (c, _) => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_python_dotenv_does() {
        let text = "# x\nexport A=1\nB = \"two words\" # y\nC='#'\nD=x#y # z\nE=\nexport=x\nH=\"a\\n\\\"b\\\" \\d\"\nI='a\\n'\n\
                    J= # nothing\nK=\"-----BEGIN\nend\"\nA=2\r\nL=\"é\"";
        let expected = [
            ("A", "2"),
            ("B", "two words"),
            ("C", "#"),
            ("D", "x#y"),
            ("E", ""),
            ("H", "a\n\"b\" \\d"),
            ("I", "a\\n"),
            ("J", ""),
            ("K", "-----BEGIN\nend"),
            ("L", "é"),
            ("export", "x"),
        ];
        let read = EnvFile::parse(text);
        assert_eq!(read.variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert!(read.unread.is_empty());
    }

    #[test]
    fn what_is_no_variable_is_told_by_its_line() {
        let read = EnvFile::parse("A=\"x\ny\"\nno line\n\n1A=2\nB=\"a\" b\nC=1\n=2\nD='open\nE=5\n");
        assert_eq!(read.unread, [3, 5, 6, 8, 9]);
        let names: Vec<&String> = read.variables.keys().collect();
        assert_eq!(names, ["A", "C", "E"]);
    }
}

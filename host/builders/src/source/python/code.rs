//! Python source, statement by statement: as much of its grammar as tells what stands at the top level of a module.

/// A statement, or the head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// How far in it stands.
    pub indent: usize,
    /// It, in one line and without comments.
    pub text: String,
}

/// The statements that run when the module is imported, in one line each and without comments: those of the top level, and
/// those in `if`, `try` and `with` there. What only runs as a program, or only for a type checker, is not among them.
pub fn top_level(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The heads of the blocks around a statement, and whether what is in them is left out.
    let mut around: Vec<(usize, bool)> = Vec::new();
    for Statement { indent, text } in statements(source) {
        around.retain(|(head, _)| *head < indent);
        if around.iter().any(|(_, is_out)| *is_out) {
            continue;
        }
        if text.ends_with(':') {
            around.push((indent, is_left_out(&text)));
        }
        found.push(text);
    }
    found
}

/// Whether what a block holds is no part of the module, or only sometimes.
fn is_left_out(head: &str) -> bool {
    let starts = ["def ", "class ", "async def ", "if __name__", "if TYPE_CHECKING", "if typing.TYPE_CHECKING"];
    starts.iter().any(|start| head.starts_with(start))
}

/// All of them, in order.
pub fn statements(source: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut current = Statement { indent: 0, text: String::new() };
    let (mut depth, mut at_start) = (0_usize, true);
    let mut rest = source.trim_start_matches('\u{feff}');
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '\n' => {
                if depth > 0 {
                    current.text.push(' ');
                } else {
                    finish(&mut current, &mut found);
                    at_start = true;
                }
            }
            '\\' if rest[1..].starts_with('\n') || rest[1..].starts_with("\r\n") => {
                taken = rest.find('\n').map_or(rest.len(), |end| end + 1);
                current.text.push(' ');
            }
            '#' => taken = rest.find('\n').unwrap_or(rest.len()),
            '\'' | '"' => {
                taken = string_end(rest, c);
                current.text.push_str(&rest[..taken].replace('\n', " "));
                at_start = false;
            }
            ' ' | '\t' if at_start && depth == 0 => current.indent += if c == '\t' { 8 } else { 1 },
            '\r' => {}
            _ => {
                match c {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                current.text.push(c);
                at_start = false;
            }
        }
        rest = &rest[taken..];
    }
    finish(&mut current, &mut found);
    found
}

fn finish(current: &mut Statement, found: &mut Vec<Statement>) {
    let done = std::mem::replace(current, Statement { indent: 0, text: String::new() });
    let text = done.text.trim();
    if !text.is_empty() {
        found.push(Statement { indent: done.indent, text: text.to_owned() });
    }
}

/// Where the string that `rest` begins with ends.
fn string_end(rest: &str, quote: char) -> usize {
    let triple = quote.to_string().repeat(3);
    let is_triple = rest.starts_with(&triple);
    let mut at = if is_triple { 3 } else { 1 };
    while let Some(c) = rest[at..].chars().next() {
        let ends = if is_triple { rest[at..].starts_with(&triple) } else { c == quote };
        match c {
            _ if ends => return at + if is_triple { 3 } else { 1 },
            '\\' => at += 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8),
            // It was not closed: the line ends it.
            '\n' if !is_triple => return at,
            _ => at += c.len_utf8(),
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        assert_eq!(top_level(source), expected, "{source}");
    }

    #[test]
    fn the_top_level_is_what_an_import_runs() {
        check("a = 1  # one\n\ndef f():\n    b = 2\n\nc = 3\n", &["a = 1", "def f():", "c = 3"]);
        check("try:\n    a = 1\nexcept E:\n\ta = 2\n", &["try:", "a = 1", "except E:", "a = 2"]);
        check("if TYPE_CHECKING:\n    a = 1\nelse:\n    b = 1\n", &["if TYPE_CHECKING:", "else:", "b = 1"]);
        check("if __name__ == '__main__':\n    app = 1\n", &["if __name__ == '__main__':"]);
    }

    #[test]
    fn a_statement_may_have_several_lines_and_strings_hold_anything() {
        check("a = f(\n    1,  # (\n    2)\nb = 1 + \\\n  2\n", &["a = f(     1,       2)", "b = 1 +    2"]);
        check("'''\napp = 1\n'''\nb = \"\"\"x\n'y\"\"\"\n", &["''' app = 1 '''", "b = \"\"\"x 'y\"\"\""]);
        check("a = '\\'#'\nb = 'open\nc = 1\n", &["a = '\\'#'", "b = 'open", "c = 1"]);
        check("a = [\n", &["a = ["]);
        check("x = '\u{e9}\\\u{e9}", &["x = '\u{e9}\\\u{e9}"]);
    }
}

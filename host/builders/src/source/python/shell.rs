//! Lines of a shell, taken apart into commands and words.

/// The commands in `line`, each as its words: `a && b; c | d` are four. What stands before a command to set its environment,
/// and what only starts another (`exec`, `poetry run`), is gone.
pub fn commands(line: &str) -> Vec<Vec<String>> {
    pieces(line).iter().filter_map(|piece| shlex::split(piece)).map(own).filter(|words| !words.is_empty()).collect()
}

/// Where a shell parts commands, outside of quotes. Comments go.
fn pieces(line: &str) -> Vec<String> {
    let (mut found, mut quote, mut before) = (vec![String::new()], None, ' ');
    for c in line.chars() {
        let is_escaped = before == '\\';
        match (quote, c) {
            (None, '#') if before.is_whitespace() => break,
            (None, ';' | '&' | '|' | '\n') if !is_escaped => found.push(String::new()),
            _ => {
                match (quote, c) {
                    (None, '\'' | '"') if !is_escaped => quote = Some(c),
                    (Some(open), c) if open == c && !is_escaped => quote = None,
                    _ => {}
                }
                found.last_mut().expect("it begins with one").push(c);
            }
        }
        before = if is_escaped { ' ' } else { c };
    }
    found
}

/// The command itself.
fn own(mut words: Vec<String>) -> Vec<String> {
    loop {
        let count = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["exec" | "nohup" | "env" | "sudo" | "time" | "if" | "then" | "do" | "command", ..] => 1,
            ["poetry" | "uv" | "pipenv" | "pdm" | "hatch" | "rye" | "pixi", "run", ..] => 2,
            ["newrelic-admin", "run-program", ..] => 2,
            ["ddtrace-run" | "opentelemetry-instrument" | "honcho" | "dumb-init" | "tini" | "--", ..] => 1,
            ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c" | "-lc" | "-ec", script] => {
                return commands(script).into_iter().next_back().unwrap_or_default();
            }
            [first, ..] if is_assignment(first) => 1,
            _ => return words,
        };
        words.drain(..count);
    }
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_words_are_told_apart() {
        for (line, expected) in [
            ("flask db upgrade; gunicorn shop:app", &[&["flask", "db", "upgrade"][..], &["gunicorn", "shop:app"]][..]),
            ("A=1 exec gunicorn 'shop:make(\"a;b\")'", &[&["gunicorn", "shop:make(\"a;b\")"]]),
            ("cd web && poetry run uvicorn app:app # x", &[&["cd", "web"], &["uvicorn", "app:app"]]),
            ("sh -c \"sleep 1; gunicorn a:b\"", &[&["gunicorn", "a:b"]]),
            ("'open", &[]),
        ] {
            assert_eq!(commands(line), expected, "{line}");
        }
    }
}

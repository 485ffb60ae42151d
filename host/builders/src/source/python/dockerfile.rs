//! `Dockerfile`: what `CMD` and `ENTRYPOINT` start, and what `ENV` sets, in the last stage that says it.

use std::fs;
use std::path::Path;

use crate::source::python::candidate::Candidate;
use crate::source::python::procfile;
use crate::source::python::servers;

/// How the file is called.
pub const FILE: &str = "Dockerfile";

/// What the image serves.
pub fn candidates(folder: &Path) -> Vec<Candidate> {
    let mut found = Vec::new();
    for instruction in ["CMD", "ENTRYPOINT"] {
        let Some((_, value)) = instructions(folder).into_iter().rfind(|(name, _)| name == instruction) else {
            continue;
        };
        match serde_json::from_str::<Vec<String>>(&value) {
            Ok(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                found.extend(match words.as_slice() {
                    ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c" | "-lc", line] => {
                        procfile::of_line(folder, line, FILE)
                    }
                    [script, ..] if script.ends_with(".sh") => procfile::of_script(folder, script),
                    ["sh" | "bash" | "/bin/sh" | "/bin/bash", script, ..] => procfile::of_script(folder, script),
                    words => servers::of_words(folder, words, "", FILE).into_iter().collect(),
                });
            }
            Err(_) => found.extend(procfile::of_line(folder, &value, FILE)),
        }
    }
    found
}

/// The variable that the image sets.
pub fn variable(folder: &Path, wanted: &str) -> Option<String> {
    let mut found = None;
    for (_, value) in instructions(folder).into_iter().filter(|(name, _)| name == "ENV") {
        // `ENV A=1 B=2`, and the older `ENV A 1`.
        let words = shlex::split(&value).unwrap_or_default();
        match words.as_slice() {
            [name, value] if !name.contains('=') && name == wanted => found = Some(value.clone()),
            words => {
                let named = words.iter().filter_map(|word| word.split_once('=')).filter(|(name, _)| *name == wanted);
                found = named.map(|(_, value)| value.to_owned()).next_back().or(found);
            }
        }
    }
    found
}

/// The instructions, each with what follows it in one line.
fn instructions(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    let (mut found, mut line) = (Vec::new(), String::new());
    for next in text.lines().filter(|next| !next.trim_start().starts_with('#')) {
        if let Some(begun) = next.trim_end().strip_suffix('\\') {
            line.push_str(begun);
            continue;
        }
        line.push_str(next);
        if let Some((name, rest)) = line.trim().split_once(char::is_whitespace) {
            found.push((name.to_ascii_uppercase(), rest.trim().to_owned()));
        }
        line.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_the_last_counts() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("boot.sh"), "exec gunicorn shop:app\n").unwrap();
        for (text, expected) in [
            ("FROM x\nCMD [\"gunicorn\", \"-b\", \":80\", \"shop:app\"]\n", Some("shop")),
            (
                "FROM x\nCMD poetry run alembic upgrade head && \\\n  poetry run uvicorn --host=0 app.main:app\n",
                Some("app.main"),
            ),
            ("FROM x\nCMD gunicorn old:app\nFROM y\nCMD [\"sh\", \"-c\", \"exec uvicorn new:app\"]\n", Some("new")),
            ("FROM x\nENTRYPOINT [\"./boot.sh\"]\n", Some("shop")),
            ("FROM x\nCMD [\"python\", \"manage.py\", \"runserver\"]\n", None),
            ("FROM x\n", None),
        ] {
            fs::write(root.path().join(FILE), text).unwrap();
            let found = candidates(root.path());
            assert_eq!(found.first().map(|one| one.target.module.as_str()), expected, "{text}");
        }
    }

    #[test]
    fn variables_are_read_in_both_forms() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE), "FROM x\nENV FLASK_APP shop.py\nENV A=1 B=\"two words\"\n").unwrap();
        assert_eq!(variable(root.path(), "FLASK_APP").as_deref(), Some("shop.py"));
        assert_eq!(variable(root.path(), "B").as_deref(), Some("two words"));
        assert_eq!(variable(root.path(), "C"), None);
    }
}

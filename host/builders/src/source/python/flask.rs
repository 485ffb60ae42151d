//! `FLASK_APP`, as the command `flask` reads it: from `.flaskenv`, `.env` and the Dockerfile.

use std::fs;
use std::path::Path;

use crate::source::python::candidate::Candidate;
use crate::source::python::dockerfile;
use crate::source::python::target::Target;

const NAME: &str = "FLASK_APP";

/// What they say.
pub fn candidates(folder: &Path) -> Vec<Candidate> {
    let of_files = [".flaskenv", ".env"].map(|file| {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        Some((value(&text, NAME)?, file))
    });
    let of_image = dockerfile::variable(folder, NAME).map(|value| (value, dockerfile::FILE));
    let said = of_files.into_iter().flatten().chain(of_image);
    said.filter_map(|(app, file)| {
        let mut target = Target::of_path(folder, &app)?;
        // The command calls what is named like a factory.
        if let Some(callable) = &mut target.callable
            && matches!(callable.as_str(), "create_app" | "make_app")
        {
            callable.push_str("()");
        }
        Some(Candidate::of(target, "", format!("`{NAME}={app}` in {file}")))
    })
    .collect()
}

/// The variable's value in a file of `NAME=value` lines.
fn value(text: &str, wanted: &str) -> Option<String> {
    let lines = text.lines().map(|line| line.trim().strip_prefix("export ").unwrap_or(line.trim()));
    let mut named = lines.filter_map(|line| line.split_once('=')).filter(|(name, _)| name.trim() == wanted);
    let (_, value) = named.next_back()?;
    Some(shlex::split(value.trim())?.into_iter().next().unwrap_or_default()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_found_in_each_place() {
        for (file, text, expected) in [
            (".flaskenv", "FLASK_APP=microblog.py\nFLASK_DEBUG=1\n", Some(("microblog", None))),
            (".env", "export FLASK_APP=\"shop:create_app('dev')\"\n", Some(("shop", Some("create_app('dev')")))),
            (".env", "FLASK_APP=shop:create_app\n", Some(("shop", Some("create_app()")))),
            ("Dockerfile", "FROM x\nENV FLASK_APP flasky.py\n", Some(("flasky", None))),
            (".env", "FLASK_APP=\n# FLASK_APP=x\n", None),
        ] {
            let root = tempfile::tempdir().unwrap();
            fs::write(root.path().join(file), text).unwrap();
            let found = candidates(root.path());
            let found = found.first().map(|one| (one.target.module.as_str(), one.target.callable.as_deref()));
            assert_eq!(found, expected, "{file}: {text}");
        }
    }
}

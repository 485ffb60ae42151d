//! What was looked at in vain in a source that holds no app, and the one line that names one.

use std::path::Path;

use crate::source::python::django;
use crate::source::python::kinds;
use crate::source::python::layout;
use crate::source::python::names::FILES;

/// Why nothing was found in `folder`, which people call `shown`. `said` is what pieces of evidence named in vain, `example` a
/// folder in it that holds an app.
pub fn nothing(folder: &Path, shown: &Path, said: &[String], example: Option<&str>) -> String {
    let kind = kinds::told(folder, shown, example);
    if let (Some(kind), true) = (kind, said.is_empty()) {
        return kind;
    }
    let looked =
        ["Procfile", "Dockerfile", "uwsgi.ini", ".flaskenv", "pyproject.toml", "setup.cfg", "setup.py", django::MANAGE];
    let there: Vec<&str> = looked.into_iter().filter(|file| folder.join(file).is_file()).collect();
    let files: Vec<&str> = FILES.into_iter().filter(|file| folder.join(file).is_file()).collect();
    let mut parts: Vec<String> = said.to_vec();
    if said.is_empty() && !there.is_empty() {
        parts.push(format!("{} {} no app", list(&there), if there.len() == 1 { "names" } else { "name" }));
    }
    match files.as_slice() {
        [] => parts.push(format!("there is no {} at its root", list_or(&FILES[..4]))),
        files => {
            let verb = if files.len() == 1 { "has" } else { "have" };
            parts.push(format!("{} {verb} no `app`, `application` or `create_app()` at the top level", list(files)));
        }
    }
    let packages = packages(folder);
    if !packages.is_empty() {
        let shown: Vec<String> = packages.iter().take(6).map(|package| format!("`{package}`")).collect();
        parts.push(format!(
            "no app is made in the package{} {}",
            if shown.len() == 1 { "" } else { "s" },
            shown.join(", ")
        ));
    }
    format!(
        "`{shown}` is a project in Python, and nothing says where its app begins ({}): `guesthouse build {shown} --app \
         module:callable` says where it is",
        parts.join("; "),
        shown = shown.display()
    )
}

fn packages(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for root in [String::new()].into_iter().chain(layout::roots(folder)) {
        let at = folder.join(root);
        found.extend(layout::folders(&at).into_iter().filter(|name| at.join(name).join("__init__.py").is_file()));
    }
    found
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn list_or(names: &[&str]) -> String {
    list(names).replace(" and ", " or ")
}

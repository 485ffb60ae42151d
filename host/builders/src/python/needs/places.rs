//! Where files with requirements lie that no other file names.

use std::fs;
use std::path::Path;

/// In the order in which they are looked for. The last ones are called so by tools that lock in them.
const FILES: [&str; 15] = [
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/requirements.txt",
    "requirements/main.txt",
    "requirements/base.txt",
    "requirements/common.txt",
    "requirements/default.txt",
    "requirements-prod.txt",
    "requirements-production.txt",
    "requirements_prod.txt",
    "requirements.pip",
    "reqs.txt",
    "requirements.lock",
    "requirements.in",
    "requirements",
];
/// Files in a folder of requirements that are not what the app itself needs.
const OTHERS: [&str; 12] =
    ["build", "ci", "constraints", "dev", "develop", "development", "doc", "docs", "lint", "local", "test", "tests"];
/// A folder has few of them.
const ENTRIES_MAX: usize = 100;

/// The one in `folder`, if there is one: by its name, or the only one in its folder `requirements` that is the app's.
pub fn file(folder: &Path) -> Option<String> {
    let known = FILES.into_iter().find(|file| folder.join(file).is_file()).map(str::to_owned);
    known.or_else(|| only(folder))
}

fn only(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder.join("requirements")).ok()?.flatten().take(ENTRIES_MAX);
    let files = entries.filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_apps = |name: &String| {
        let stem = name.split('.').next().unwrap_or(name);
        let end = name.strip_prefix(stem).unwrap_or_default();
        !OTHERS.contains(&stem) && matches!(end, "" | ".txt" | ".pip" | ".in" | ".lock")
    };
    let mut found: Vec<String> = names.filter(is_apps).collect();
    // `base.in`, and the `base.txt` that was made of it.
    found.sort_by_key(|name| (name.ends_with(".in"), name.clone()));
    let stem = |name: &String| name.split('.').next().unwrap_or(name).to_owned();
    let first = found.first()?;
    found.iter().all(|name| stem(name) == stem(first)).then(|| format!("requirements/{first}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_name_and_the_only_one_by_its_folder() {
        for (files, expected) in [
            (&["requirements/look", "requirements/test"][..], Some("requirements/look")),
            (&["requirements/web.in", "requirements/web.txt", "requirements/dev.txt"], Some("requirements/web.txt")),
            (&["requirements/one.txt", "requirements/two.txt"], None),
            (&["requirements/one.txt", "requirements/base.txt"], Some("requirements/base.txt")),
            (&["requirements/notes.md"], None),
            (&["requirements"], Some("requirements")),
            (&["requirements.pip", "requirements.in"], Some("requirements.pip")),
            (&[], None),
        ] {
            let root = tempfile::tempdir().unwrap();
            for name in files {
                let path = root.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            assert_eq!(file(root.path()).as_deref(), expected, "{files:?}");
        }
    }
}

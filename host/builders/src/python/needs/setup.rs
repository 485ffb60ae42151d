//! `setup.cfg`, and what a `setup.py` says by literals: a project's name, version and requirements.

use std::fs;
use std::path::Path;

use configparser::ini::Ini;

/// What they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The project's name.
    pub name: Option<String>,
    /// Its version, if that stands there.
    pub version: Option<String>,
    /// Requirements of PEP 508.
    pub requires: Vec<String>,
    /// What a setup.py says of its entry points, as `entry_points.txt` has it.
    pub entry_points: String,
    /// Where it was found: `setup.cfg`.
    pub file: &'static str,
}

impl Setup {
    /// Reads those in `folder`; nothing, if there is no project of setuptools.
    pub fn read(folder: &Path) -> Option<Setup> {
        of_cfg(folder).or_else(|| of_py(folder))
    }
}

fn of_cfg(folder: &Path) -> Option<Setup> {
    let mut ini = Ini::new_cs();
    ini.set_multiline(true);
    ini.load(folder.join("setup.cfg")).ok()?;
    let name = ini.get("metadata", "name")?;
    let version = ini.get("metadata", "version").filter(|version| !version.contains(':'));
    let requires = ini.get("options", "install_requires").unwrap_or_default();
    let lines = requires.lines().map(|line| line.split(" #").next().unwrap_or(line).trim());
    let requires = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
    Some(Setup { name: Some(name), version, requires, entry_points: String::new(), file: "setup.cfg" })
}

fn of_py(folder: &Path) -> Option<Setup> {
    let text = fs::read_to_string(folder.join("setup.py")).ok()?;
    let (_, call) = text.split_once("setup(")?;
    let literal = |key: &str| quoted(after(call, key)?).next().map(|(value, _)| value.to_owned());
    let requires = after(call, "install_requires").and_then(|rest| list_or_named(&text, rest)).unwrap_or_default();
    let is_literal = |key: &str| after(call, key).is_some_and(|rest| rest.starts_with(['"', '\'']));
    let only = |key: &str| literal(key).filter(|_| is_literal(key));
    let entry_points = after(call, "entry_points").map(entry_points).unwrap_or_default();
    Some(Setup { name: only("name"), version: only("version"), requires, entry_points, file: "setup.py" })
}

/// A list, or that of a variable of the module `text`.
fn list_or_named(text: &str, rest: &str) -> Option<Vec<String>> {
    if rest.starts_with('[') {
        return Some(list(rest));
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    let named = after(text, &rest[..end]).filter(|_| end > 0);
    named.filter(|rest| rest.starts_with('[')).map(list)
}

/// A dictionary of lists, or a text that is written as the file is.
fn entry_points(rest: &str) -> String {
    for quotes in ["\"\"\"", "'''"] {
        if let Some(text) = rest.strip_prefix(quotes) {
            let lines = text.split(quotes).next().unwrap_or_default().lines();
            return lines.map(|line| format!("{}\n", line.trim())).collect();
        }
    }
    let Some(body) = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()) else { return String::new() };
    let is_group = |end: usize| body[end..].trim_start().starts_with(':');
    let lines =
        quoted(body).map(|(value, end)| if is_group(end) { format!("[{value}]\n") } else { format!("{value}\n") });
    lines.collect()
}

/// What stands after `key =`.
fn after<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    text.match_indices(key).find_map(|(at, _)| {
        let is_word = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = text[at + key.len()..].trim_start().strip_prefix('=')?;
        (is_word && !rest.starts_with('=')).then(|| rest.trim_start())
    })
}

/// The literals in a list, up to its end; comments are none.
fn list(rest: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in rest[1..].lines() {
        let mut last = 0;
        for (value, end) in quoted(line) {
            // A comment begins before it.
            if line[last..end].trim_start_matches([',', ' ']).starts_with('#') {
                break;
            }
            found.push(value.to_owned());
            last = end;
        }
        if line[last..].split('#').next().unwrap_or_default().contains(']') {
            break;
        }
    }
    found
}

/// The literals in `text`, each with where it ends.
fn quoted(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let open = at + text[at..].find(['"', '\''])?;
        let quote = text[open..].chars().next()?;
        let close = open + 1 + text[open + 1..].find(quote)?;
        at = close + 1;
        Some((&text[open + 1..close], at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, text: &str) -> Option<Setup> {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(file), text).unwrap();
        Setup::read(root.path())
    }

    #[test]
    fn both_are_read() {
        let cfg = "[metadata]\nname = Shop\nversion = attr: shop.__version__\n[options]\ninstall_requires =\n    flask>=3\n    six  # x\n";
        let found = read("setup.cfg", cfg).unwrap();
        assert_eq!((found.name.as_deref(), found.version), (Some("Shop"), None));
        assert_eq!(found.requires, ["flask>=3", "six"]);
        let py = "from setuptools import setup\nsetup(\n  name='shop', version=VERSION,\n  install_requires=[\n    'flask>=3',  # 'old'\n    # 'no',\n    \"six\"],\n  extras=['x'])\n";
        let found = read("setup.py", py).unwrap();
        assert_eq!((found.name.as_deref(), found.version), (Some("shop"), None));
        assert_eq!(found.requires, ["flask>=3", "six"]);
        let py = "requires = [\n  'pyramid',\n]\nsetup(name='blog', version='0', install_requires=requires,\n  entry_points={\n    'paste.app_factory': [\n      'main = blog:main',\n    ],\n  },\n)\n";
        let found = read("setup.py", py).unwrap();
        assert_eq!(
            (found.requires, found.entry_points.as_str()),
            (vec!["pyramid".to_owned()], "[paste.app_factory]\nmain = blog:main\n")
        );
        let py = "setup(name='blog', entry_points=\"\"\"\n    [console_scripts]\n    x = blog:x\n    \"\"\")\n";
        assert_eq!(read("setup.py", py).unwrap().entry_points, "\n[console_scripts]\nx = blog:x\n\n");
        assert_eq!(read("setup.cfg", "[flake8]\nx = 1\n"), None);
        assert_eq!(read("setup.py", "setup(name=NAME)").unwrap(), Setup { file: "setup.py", ..Setup::default() });
    }
}

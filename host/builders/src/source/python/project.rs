//! What `pyproject.toml`, `setup.cfg` and `setup.py` say of where an app begins: FastAPI's entry point, and scripts.

use std::path::Path;

use configparser::ini::Ini;
use toml::Value;

use crate::source::python::candidate::Candidate;
use crate::source::python::layout::pyproject;
use crate::source::python::target::Target;

/// `[tool.fastapi] entrypoint`, and the servers' own tables.
pub fn candidates(folder: &Path) -> Vec<Candidate> {
    let table = Value::Table(pyproject(folder));
    let said = [("fastapi", "entrypoint"), ("uvicorn", "app"), ("poe", "app")].map(|(tool, key)| {
        let app = table.get("tool")?.get(tool)?.get(key)?.as_str()?;
        let target = Target::of_path(folder, app)?;
        Some(Candidate::of(target, "", format!("`[tool.{tool}] {key} = \"{app}\"` in pyproject.toml")))
    });
    said.into_iter().flatten().collect()
}

/// The programs that an install of the project leaves: name and `module:function`.
pub fn scripts(folder: &Path) -> Vec<(String, String)> {
    let table = Value::Table(pyproject(folder));
    let of = |path: &[&str]| {
        let value = path.iter().try_fold(&table, |value, key| value.get(key));
        let all = value.and_then(Value::as_table).cloned().unwrap_or_default();
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect::<Vec<_>>()
    };
    let mut found = of(&["project", "scripts"]);
    found.extend(of(&["tool", "poetry", "scripts"]));
    let mut ini = Ini::new_cs();
    ini.set_multiline(true);
    if ini.load(folder.join("setup.cfg")).is_ok() {
        let lines = ini.get("options.entry_points", "console_scripts").unwrap_or_default();
        let scripts = lines.lines().filter_map(|line| line.split_once('='));
        found.extend(scripts.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_entry_point_and_scripts_are_read() {
        let root = tempfile::tempdir().unwrap();
        let text = "[project]\nname = \"x\"\n[project.scripts]\nshop = \"shop.cli:main\"\n[tool.fastapi]\nentrypoint = \"shop.main:app\"\n";
        fs::write(root.path().join("pyproject.toml"), text).unwrap();
        fs::write(
            root.path().join("setup.cfg"),
            "[options.entry_points]\nconsole_scripts =\n    Till = till.cli:run\n",
        )
        .unwrap();
        let found = candidates(root.path());
        assert_eq!(found[0].target.module, "shop.main");
        let expected = [("shop", "shop.cli:main"), ("Till", "till.cli:run")];
        assert_eq!(scripts(root.path()), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

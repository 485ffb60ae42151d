//! The projects that lie in the source, installed in place: their code stays where it is, and what an install would say of
//! them (`importlib.metadata`) is written beside it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use configparser::ini::Ini;
use toml::Table;
use toml::Value;

use crate::python::needs::setup::Setup;
use crate::source::python::code::top_level;
use crate::source::python::layout;

/// The folder of the staged source that it is written into. It is put on the path.
pub const FOLDER: &str = ".guesthouse-project";
/// The version of a project that does not say one.
pub const NO_VERSION: &str = "0";

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Its folder in the source: `.` for the source itself.
    pub folder: String,
    /// As it is written.
    pub name: String,
    /// Its version, if that can be read without running anything.
    pub version: Option<String>,
    /// What it needs.
    requires: Vec<String>,
    /// `entry_points.txt`
    entry_points: String,
}

impl Own {
    /// The one in the folder `below` of the source in `folder`; nothing, if there is none that could be installed.
    pub fn read(folder: &Path, below: &str) -> Option<Own> {
        let at = folder.join(below);
        let table = layout::pyproject(&at);
        let project = table.get("project").and_then(Value::as_table);
        let poetry = table.get("tool").and_then(|tool| tool.get("poetry")).and_then(Value::as_table);
        let text = |table: Option<&Table>, key: &str| table?.get(key)?.as_str().map(str::to_owned);
        let setup = Setup::read(&at);
        let of_setup = setup.clone().unwrap_or_default();
        let name = text(project, "name").or_else(|| text(poetry, "name")).or(of_setup.name)?;
        let version = text(project, "version").or_else(|| text(poetry, "version").filter(|version| version != "0"));
        let version = version.or(of_setup.version).or_else(|| version_in_code(&at, &table, &name));
        let requires = project.and_then(|project| project.get("dependencies")?.as_array().cloned()).unwrap_or_default();
        let requires =
            requires.iter().filter_map(|one| one.as_str().map(str::to_owned)).chain(of_setup.requires).collect();
        let mut entry_points = entry_points(&at, project, poetry);
        if entry_points.is_empty() {
            entry_points = of_setup.entry_points;
        }
        Some(Own { folder: below.to_owned(), name, version, requires, entry_points })
    }

    /// The folders of the source that its modules are imported from.
    pub fn paths(&self, folder: &Path) -> Vec<String> {
        let below = if self.folder == "." { "" } else { &self.folder };
        let roots = layout::roots(&folder.join(below)).into_iter();
        let joined = roots.map(|root| if below.is_empty() { root } else { format!("{below}/{root}") });
        joined.chain((!below.is_empty()).then(|| below.to_owned())).collect()
    }

    /// Writes its `dist-info` into the folder `to` (PEP 376), as it can be read without running anything.
    pub fn write(&self, to: &Path) -> anyhow::Result<()> {
        let version = self.version.as_deref().unwrap_or(NO_VERSION);
        let folder = to.join(format!("{}-{version}.dist-info", self.name.replace(['-', '.'], "_")));
        let requires: String = self.requires.iter().map(|one| format!("Requires-Dist: {one}\n")).collect();
        let metadata = format!("Metadata-Version: 2.1\nName: {}\nVersion: {version}\n{requires}", self.name);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("METADATA"), metadata))
            .and_then(|()| fs::write(folder.join("INSTALLER"), "guesthouse\n"))
            .and_then(|()| match self.entry_points.is_empty() {
                true => Ok(()),
                false => fs::write(folder.join("entry_points.txt"), &self.entry_points),
            })
            .with_context(|| format!("cannot write `{}`", folder.display()))
    }
}

/// `__version__`, where a back end is told to read it, or in the package that is called like the project.
fn version_in_code(folder: &Path, table: &Table, name: &str) -> Option<String> {
    let tool = table.get("tool").cloned().unwrap_or(Value::Table(Table::new()));
    let attribute = tool
        .get("setuptools")
        .and_then(|one| one.get("dynamic")?.get("version")?.get("attr")?.as_str().map(str::to_owned))
        .or_else(|| {
            let mut ini = Ini::new_cs();
            ini.load(folder.join("setup.cfg")).ok()?;
            ini.get("metadata", "version")?.strip_prefix("attr:").map(|attribute| attribute.trim().to_owned())
        });
    let roots = layout::roots(folder);
    let (module, variable) = match attribute.as_deref().and_then(|attribute| attribute.rsplit_once('.')) {
        Some((module, variable)) => (module.to_owned(), variable.to_owned()),
        None => (name.to_ascii_lowercase().replace(['-', '.'], "_"), "__version__".to_owned()),
    };
    let said =
        tool.get("hatch").and_then(|one| one.get("version")?.get("path")?.as_str().map(|path| folder.join(path)));
    let file = said.or_else(|| layout::find_module(folder, "", &roots, &module).map(|(_, file)| file))?;
    let text = fs::read_to_string(file).ok()?;
    top_level(&text).iter().find_map(|line| {
        let (target, value) = line.split_once('=')?;
        let is_it = target.split(':').next().unwrap_or(target).trim() == variable;
        let value = value.trim();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let version = value[1..].strip_suffix(quote)?;
        (is_it && !version.contains(quote)).then(|| version.to_owned())
    })
}

fn entry_points(folder: &Path, project: Option<&Table>, poetry: Option<&Table>) -> String {
    let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut add = |group: &str, table: Option<&Value>| {
        let all = table.and_then(Value::as_table).cloned().unwrap_or_default();
        let lines: Vec<_> =
            all.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
        if !lines.is_empty() {
            groups.push((group.to_owned(), lines));
        }
    };
    for (table, key, group) in [
        (project, "scripts", "console_scripts"),
        (project, "gui-scripts", "gui_scripts"),
        (poetry, "scripts", "console_scripts"),
    ] {
        add(group, table.and_then(|table| table.get(key)));
    }
    for (table, key) in [(project, "entry-points"), (poetry, "plugins")] {
        for (group, one) in table.and_then(|table| table.get(key)?.as_table()).into_iter().flatten() {
            add(group, Some(one));
        }
    }
    let mut ini = Ini::new_cs();
    ini.set_multiline(true);
    if ini.load(folder.join("setup.cfg")).is_ok() {
        for (group, text) in ini.get_map_ref().get("options.entry_points").into_iter().flatten() {
            let lines = text.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once('='));
            let lines: Vec<_> = lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
            groups.push((group.clone(), lines));
        }
    }
    let section = |(group, lines): &(String, Vec<(String, String)>)| {
        let lines: String = lines.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
        format!("[{group}]\n{lines}\n")
    };
    groups.iter().map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, content) in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        root
    }

    #[test]
    fn a_version_is_read_without_running_anything() {
        for (files, expected) in [
            (&[("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1.2.3\"\n")][..], Some("1.2.3")),
            (
                &[
                    ("pyproject.toml", "[project]\nname = \"my-shop\"\ndynamic = [\"version\"]\n"),
                    ("src/my_shop/__init__.py", "__version__: str = '2.0'\n"),
                ],
                Some("2.0"),
            ),
            (
                &[
                    (
                        "pyproject.toml",
                        "[project]\nname = \"x\"\ndynamic = [\"version\"]\n[tool.hatch.version]\npath = \"y/v.py\"\n",
                    ),
                    ("y/v.py", "__version__ = \"3\"\n"),
                ],
                Some("3"),
            ),
            (
                &[
                    ("setup.cfg", "[metadata]\nname = x\nversion = attr: x.v.NUMBER\n"),
                    ("x/v.py", "NUMBER = '4'\n"),
                    ("x/__init__.py", ""),
                ],
                Some("4"),
            ),
            (&[("pyproject.toml", "[tool.poetry]\nname = \"x\"\nversion = \"5\"\n")], Some("5")),
            (&[("pyproject.toml", "[project]\nname = \"x\"\ndynamic = [\"version\"]\n[tool.setuptools_scm]\n")], None),
        ] {
            let root = tree(files);
            assert_eq!(Own::read(root.path(), ".").unwrap().version.as_deref(), expected, "{files:?}");
        }
        assert_eq!(Own::read(tree(&[("pyproject.toml", "[tool.ruff]\n")]).path(), "."), None);
    }

    #[test]
    fn what_an_install_says_is_written() {
        let text = "[project]\nname = \"My.Shop\"\nversion = \"1\"\ndependencies = [\"six\"]\n[project.scripts]\nshop = \"shop:main\"\n\
                    [project.entry-points.\"shop.plugins\"]\none = \"shop.one:One\"\n";
        let root = tree(&[("lib/pyproject.toml", text), ("lib/src/shop/__init__.py", "")]);
        let own = Own::read(root.path(), "lib").unwrap();
        assert_eq!(own.paths(root.path()), ["lib/src", "lib"]);
        own.write(root.path()).unwrap();
        let read = |name: &str| fs::read_to_string(root.path().join("My_Shop-1.dist-info").join(name)).unwrap();
        assert_eq!(read("METADATA"), "Metadata-Version: 2.1\nName: My.Shop\nVersion: 1\nRequires-Dist: six\n");
        assert_eq!(
            read("entry_points.txt"),
            "[console_scripts]\nshop = shop:main\n\n[shop.plugins]\none = shop.one:One\n\n"
        );
    }
}

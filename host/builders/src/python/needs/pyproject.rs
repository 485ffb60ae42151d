//! What a `pyproject.toml` says of packages: which are needed, and where they come from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::anyhow;
use guesthouse_types::toml_error::explain;
use serde::Deserialize;
use toml::Table;
use toml::Value;

use crate::config::settings::FILE;
use crate::python::index::native::normalized;
use crate::python::needs::poetry;

/// How the file is called.
pub const PYPROJECT: &str = "pyproject.toml";

/// What we need of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pyproject {
    /// Requirements of PEP 508.
    pub dependencies: Vec<String>,
    /// The project's own name, as an index would have it.
    pub name: String,
    /// Files with its requirements, where setuptools is told to take them from there.
    pub files: Vec<String>,
    /// Packages that do not come from an index, or from one of their own: only the tool whose table it is knows that.
    pub elsewhere: Vec<String>,
    /// Those among them that are folders on this machine, with their paths.
    pub paths: Vec<(String, String)>,
    /// Those that are members of a workspace around the project.
    pub members: Vec<String>,
    /// The indexes that its author named, as options of pip.
    pub indexes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    project: Project,
    tool: Tool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project {
    name: String,
    dependencies: Vec<String>,
    dynamic: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    uv: Uv,
    poetry: Poetry,
    setuptools: Setuptools,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Setuptools {
    dynamic: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Uv {
    sources: BTreeMap<String, Value>,
    index: Vec<Index>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Poetry {
    name: String,
    source: Vec<Index>,
    dependencies: Table,
}

/// An index, of uv or of Poetry.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Index {
    url: Option<String>,
    /// uv: instead of the public one.
    default: bool,
    /// Poetry: the first of `primary` ones stands instead of the public one.
    priority: Option<String>,
}

impl Pyproject {
    /// Reads the one in `folder`, if there is one.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Pyproject>> {
        let Ok(text) = fs::read_to_string(folder.join(PYPROJECT)) else { return Ok(None) };
        let read: Result<Written, _> = toml::from_str(&text);
        let Written { project, tool } = read.map_err(|error| anyhow!(explain(PYPROJECT, &text, &error)))?;
        // Poetry says with each package of its own where it comes from.
        let own =
            tool.poetry.dependencies.iter().filter(|(_, value)| {
                ["git", "url", "path", "file", "source"].iter().any(|key| value.get(key).is_some())
            });
        let sources = tool.uv.sources.iter().chain(tool.poetry.dependencies.iter());
        let paths =
            sources.filter_map(|(name, value)| Some((normalized(name), value.get("path")?.as_str()?.to_owned())));
        let paths = paths.collect();
        let is_member = |value: &Value| value.get("workspace").and_then(Value::as_bool) == Some(true);
        let members = tool.uv.sources.iter().filter(|(_, value)| is_member(value)).map(|(name, _)| normalized(name));
        let members = members.collect();
        let elsewhere = tool.uv.sources.keys().chain(own.map(|(name, _)| name)).map(|name| normalized(name)).collect();
        let mut dependencies = project.dependencies;
        if dependencies.is_empty() {
            dependencies = poetry::requirements(&tool.poetry.dependencies)?;
        }
        let said = tool.setuptools.dynamic.get("dependencies").and_then(|said| said.get("file"));
        let files = match said.filter(|_| project.dynamic.iter().any(|key| key == "dependencies")) {
            Some(Value::String(file)) => vec![file.clone()],
            Some(Value::Array(files)) => files.iter().filter_map(|file| file.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        let name = if project.name.is_empty() { &tool.poetry.name } else { &project.name };
        Ok(Some(Pyproject {
            dependencies,
            name: normalized(name),
            files,
            paths,
            members,
            elsewhere,
            indexes: indexes(&tool.uv.index, &tool.poetry.source),
        }))
    }

    /// Why nobody but the author's own tool can say where `name`, which comes from elsewhere, is to be had; and the line to type.
    pub fn refusal(&self, name: &str) -> String {
        let path = self.paths.iter().find(|(known, _)| known == name);
        let why = match path {
            _ if self.members.iter().any(|member| member == name) => {
                "it is a member of the workspace around the app's folder, which is all that a build reads".to_owned()
            }
            Some((_, path)) => {
                format!("it lies at `{path}`, outside of the app's folder, which is all that a build reads")
            }
            None => {
                return format!(
                    "{PYPROJECT}: `{name}` is needed, and a table of its own says from where, which only the tool knows that reads \
                     it: lock the packages (`uv lock`, `poetry lock`), or say in {FILE} what is needed, as `[build]` \
                     `requirements = [\"{name} @ https://…\"]`"
                );
            }
        };
        let all: Vec<String> = self.dependencies.iter().map(|line| format!("\"{}\"", line.replace('"', "'"))).collect();
        format!(
            "{PYPROJECT}: `{name}` is needed, and {why}: where an index has a release of it, say so in {FILE}, as `[build]` \
             `requirements = [{}]`",
            all.join(", ")
        )
    }

    /// One of the needed packages that come from elsewhere, and not from the source in `folder` itself.
    pub fn needed_from_elsewhere(&self, folder: &Path) -> Option<&str> {
        let needs: Vec<String> = self.dependencies.iter().map(|line| name_of(line)).collect();
        let inside = self.inside(folder);
        let is_inside = |name: &String| inside.iter().any(|(own, _)| own == name);
        self.elsewhere.iter().find(|name| needs.contains(name) && !is_inside(name)).map(String::as_str)
    }

    /// The packages that lie in the source in `folder`, each with its folder there.
    pub fn inside(&self, folder: &Path) -> Vec<(String, String)> {
        let is_there = |path: &str| !path.starts_with('/') && !path.contains("..") && folder.join(path).is_dir();
        self.paths.iter().filter(|(_, path)| is_there(path)).cloned().collect()
    }
}

/// The name that a requirement begins with, as an index has it.
pub fn name_of(requirement: &str) -> String {
    let end =
        requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(requirement.len());
    normalized(&requirement[..end])
}

fn indexes(uv: &[Index], poetry: &[Index]) -> Vec<String> {
    let mut options = Vec::new();
    let mut has_first = false;
    for index in uv.iter().chain(poetry) {
        let Some(url) = &index.url else { continue };
        let is_poetrys = !uv.iter().any(|one| std::ptr::eq(one, index));
        let is_first =
            index.default || (is_poetrys && matches!(index.priority.as_deref(), None | Some("primary" | "default")));
        let option = if is_first && !has_first { "--index-url" } else { "--extra-index-url" };
        has_first |= is_first;
        options.extend([option.to_owned(), url.clone()]);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Pyproject {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PYPROJECT), text).unwrap();
        Pyproject::read(folder.path()).unwrap().unwrap()
    }

    #[test]
    fn it_says_what_is_needed_and_where_it_comes_from() {
        let text = "[project]\nname = \"My.Shop\"\ndependencies = [\"flask>=3\", \"Till_Tools[x]>1\"]\n\
                    [tool.uv.sources]\ntill-tools = { git = \"https://x\" }\nother = { path = \"y\" }\n\
                    [[tool.uv.index]]\nname = \"b\"\nurl = \"https://b\"\n\
                    [[tool.uv.index]]\nurl = \"https://a\"\ndefault = true\n";
        let found = read(text);
        assert_eq!((found.name.as_str(), found.dependencies.len()), ("my-shop", 2));
        assert_eq!(found.needed_from_elsewhere(Path::new("/nowhere")), Some("till-tools"));
        assert_eq!(found.indexes, ["--extra-index-url", "https://b", "--index-url", "https://a"]);
        let poetry = read(
            "[[tool.poetry.source]]\nurl = \"https://a\"\n[[tool.poetry.source]]\nurl = \"https://b\"\npriority = \"supplemental\"\n",
        );
        assert_eq!(poetry.indexes, ["--index-url", "https://a", "--extra-index-url", "https://b"]);
        let members = "[project]\nname = \"x\"\ndependencies = [\"flask>=3\", \"till\", \"lib\"]\n\
                       [tool.uv.sources]\ntill = { workspace = true }\nlib = { path = \"../lib\", editable = true }\n";
        let found = read(members);
        assert_eq!(
            found.refusal("till"),
            "pyproject.toml: `till` is needed, and it is a member of the workspace around the app's folder, which is all that a build \
             reads: where an index has a release of it, say so in guesthouse.toml, as `[build]` `requirements = [\"flask>=3\", \
             \"till\", \"lib\"]`"
        );
        assert!(found.refusal("lib").contains("and it lies at `../lib`, outside of the app's folder"));
        assert_eq!(read("[tool.x]\ny = 1\n"), Pyproject::default());
    }
}

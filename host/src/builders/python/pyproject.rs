//! What a `pyproject.toml` says of packages: which are needed, and where they come from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::anyhow;
use guesthouse_types::explain::explain;
use serde::Deserialize;
use toml::Value;

use crate::builders::python::native::normalized;

/// How the file is called.
pub const PYPROJECT: &str = "pyproject.toml";

/// What we need of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pyproject {
    /// Requirements of PEP 508.
    pub dependencies: Vec<String>,
    /// The project's own name, as an index would have it.
    pub name: String,
    /// Packages that do not come from an index, or from one of their own: only the tool whose table it is knows that.
    pub elsewhere: Vec<String>,
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
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    uv: Uv,
    poetry: Poetry,
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
    source: Vec<Index>,
    dependencies: BTreeMap<String, Value>,
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
            tool.poetry.dependencies.into_iter().filter(|(_, value)| {
                ["git", "url", "path", "file", "source"].iter().any(|key| value.get(key).is_some())
            });
        let elsewhere = tool.uv.sources.into_iter().chain(own).map(|(name, _)| normalized(&name)).collect();
        Ok(Some(Pyproject {
            dependencies: project.dependencies,
            name: normalized(&project.name),
            elsewhere,
            indexes: indexes(&tool.uv.index, &tool.poetry.source),
        }))
    }

    /// One of the needed packages that come from elsewhere.
    pub fn needed_from_elsewhere(&self) -> Option<&str> {
        let needs: Vec<String> = self.dependencies.iter().map(|line| name_of(line)).collect();
        self.elsewhere.iter().find(|name| needs.contains(name)).map(String::as_str)
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
        assert_eq!(found.needed_from_elsewhere(), Some("till-tools"));
        assert_eq!(found.indexes, ["--extra-index-url", "https://b", "--index-url", "https://a"]);
        let poetry = read(
            "[[tool.poetry.source]]\nurl = \"https://a\"\n[[tool.poetry.source]]\nurl = \"https://b\"\npriority = \"supplemental\"\n",
        );
        assert_eq!(poetry.indexes, ["--index-url", "https://a", "--extra-index-url", "https://b"]);
        assert_eq!(read("[tool.x]\ny = 1\n"), Pyproject::default());
    }
}

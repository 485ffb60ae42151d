//! `Pipfile` and `Pipfile.lock`, as pipenv writes them.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use anyhow::anyhow;
use guesthouse_types::toml_error::explain;
use toml::Table;

use crate::python::needs::poetry;

/// How the file is called.
pub const PIPFILE: &str = "Pipfile";
/// And its lock.
pub const LOCK: &str = "Pipfile.lock";

/// The requirements in the Pipfile in `folder`, without those for development; nothing, if there is none.
pub fn requirements(folder: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let Ok(text) = fs::read_to_string(folder.join(PIPFILE)) else { return Ok(None) };
    let table: Table = toml::from_str(&text).map_err(|error| anyhow!(explain(PIPFILE, &text, &error)))?;
    let packages = table.get("packages").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    // Its words are those of Poetry, besides `ref`.
    poetry::requirements(&packages).map(Some).context(PIPFILE)
}

/// A package in the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// As it is written there.
    pub name: String,
    /// `2.0`
    pub version: String,
    /// Where it lies, if not in an index.
    pub at: Option<String>,
    /// Where it holds.
    pub marker: Option<String>,
    /// SHA-256 of its files.
    pub hashes: Vec<String>,
}

/// What is locked in `text`, without what is only for development.
pub fn locked(text: &str) -> anyhow::Result<Vec<Pinned>> {
    let lock: serde_json::Value = serde_json::from_str(text).with_context(|| format!("{LOCK} is no JSON"))?;
    let packages = lock.get("default").and_then(serde_json::Value::as_object).cloned().unwrap_or_default();
    let pinned = packages.into_iter().filter_map(|(name, package)| {
        let text = |key: &str| package.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        let hashes = package.get("hashes").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        let hashes =
            hashes.iter().filter_map(|hash| hash.as_str()?.strip_prefix("sha256:").map(str::to_ascii_lowercase));
        let git = text("git").map(|git| format!("git+{git}@{}", text("ref").unwrap_or_default()));
        let version = text("version").unwrap_or_default().trim_start_matches("==").to_owned();
        let at = git.or_else(|| text("file").filter(|file| file.contains("://")));
        // A folder of the author's own is installed with the project.
        let is_somewhere = !version.is_empty() || at.is_some();
        is_somewhere.then(|| Pinned { version, at, marker: text("markers"), hashes: hashes.collect(), name })
    });
    Ok(pinned.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_and_those_for_development_are_not() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(requirements(root.path()).unwrap(), None);
        let text = "[packages]\nflask = \"*\"\ngunicorn = {version = \">=19\", extras = [\"x\"]}\n[dev-packages]\npytest = \"*\"\n";
        fs::write(root.path().join(PIPFILE), text).unwrap();
        assert_eq!(requirements(root.path()).unwrap().unwrap(), ["flask", "gunicorn[x]>=19"]);
        let lock = r#"{"default": {"flask": {"hashes": ["sha256:AA"], "version": "==3.0", "markers": "python_version >= '3'"},
            "own": {"editable": true, "path": "."}, "till": {"git": "https://x/t", "ref": "01"}}, "develop": {"pytest": {}}}"#;
        let found = locked(lock).unwrap();
        assert_eq!((found.len(), found[0].version.as_str(), found[0].hashes[0].as_str()), (2, "3.0", "aa"));
        assert_eq!(found[1].at.as_deref(), Some("git+https://x/t@01"));
    }
}

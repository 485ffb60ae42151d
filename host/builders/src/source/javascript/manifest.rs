//! What a `package.json` says of packages.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

/// The file.
pub const FILE: &str = "package.json";

/// Packages that a program needs where it runs.
const RUNTIME: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

/// Those that only its author needs, or so its author says: many a bundler's project has all of them here.
const DEVELOPMENT: &str = "devDependencies";

/// Which packages are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those for where it runs.
    Runtime,
    /// Those for its author too.
    All,
}

/// A package.json.
#[derive(Debug, Default)]
pub struct Manifest(Value);

impl Manifest {
    /// The one in `folder`; an empty one if there is none.
    pub fn read(folder: &Path) -> anyhow::Result<Manifest> {
        let Ok(text) = fs::read_to_string(folder.join(FILE)) else { return Ok(Manifest::default()) };
        let read = serde_json::from_str(text.trim_start_matches('\u{feff}'));
        Ok(Manifest(read.with_context(|| format!("`{}` cannot be read", folder.join(FILE).display()))?))
    }

    /// Whether it names a package that is wanted.
    pub fn needs_any(&self, wanted: Wanted) -> bool {
        let has = |section: &str| self.section(section).next().is_some();
        RUNTIME.into_iter().any(has) || (wanted == Wanted::All && has(DEVELOPMENT))
    }

    /// Whether it names `package` as one for its author alone.
    pub fn develops_with(&self, package: &str) -> bool {
        self.section(DEVELOPMENT).any(|name| name == package)
    }

    /// All packages that it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        RUNTIME.into_iter().chain([DEVELOPMENT]).flat_map(|section| self.section(section))
    }

    /// What it is called itself.
    pub fn name(&self) -> Option<&str> {
        self.0.get("name")?.as_str()
    }

    /// The patterns for the folders of packages that are installed together with this one.
    pub fn members(&self) -> impl Iterator<Item = String> {
        let named = self.0.get("workspaces");
        let list = named.map(|named| named.get("packages").unwrap_or(named)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|pattern| pattern.as_str().map(str::to_owned))
    }

    /// Whether it names a file that the package begins with.
    pub fn has_entry(&self) -> bool {
        ["main", "module", "exports", "browser", "guesthouse"].iter().any(|key| self.0.get(key).is_some())
    }

    /// `pnpm@9.1.0+sha512.…` as `("pnpm", "9.1.0")`: the tool that its author installs packages with.
    pub fn manager(&self) -> Option<(&str, &str)> {
        let (name, version) = self.0.get("packageManager")?.as_str()?.split_once('@')?;
        Some((name, version.split('+').next().unwrap_or(version)))
    }

    fn section(&self, name: &str) -> impl Iterator<Item = &str> {
        let section = self.0.get(name).and_then(Value::as_object);
        section.into_iter().flat_map(|table| table.keys().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Manifest {
        Manifest(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn packages_are_for_where_it_runs_or_for_its_author() {
        let shop = of(r#"{"dependencies":{"hono":"4"},"devDependencies":{"typescript":"5"}}"#);
        assert!(shop.needs_any(Wanted::Runtime) && shop.develops_with("typescript") && !shop.develops_with("hono"));
        let tools = of(r#"{"name":"tools","devDependencies":{"typescript":"5"},"dependencies":{}}"#);
        assert!(!tools.needs_any(Wanted::Runtime) && tools.needs_any(Wanted::All));
        assert_eq!((tools.name(), shop.names().collect::<Vec<_>>()), (Some("tools"), vec!["hono", "typescript"]));
    }

    #[test]
    fn a_manager_is_named_with_its_version() {
        assert_eq!(of(r#"{"packageManager":"pnpm@9.1.0+sha512.abc"}"#).manager(), Some(("pnpm", "9.1.0")));
        assert_eq!(of(r#"{"packageManager":"yarn@4.18.1"}"#).manager(), Some(("yarn", "4.18.1")));
        assert_eq!(of("{}").manager(), None);
    }
}

//! The packages that an app in JavaScript uses: those that lie beside it, or a copy of our own of what its lock names.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use serde_json::Value;

use crate::builders::cache::Cache;
use crate::builders::javascript::tools::npm_ci;
use crate::builders::say::say;
use crate::builders::stamp::Stamp;

/// What `npm ci` reads.
const LOCKED: [&str; 2] = ["package-lock.json", "npm-shrinkwrap.json"];

/// What others leave, and the command that installs it.
const OTHERS: [(&str, &str); 4] = [
    ("pnpm-lock.yaml", "pnpm install"),
    ("yarn.lock", "yarn install"),
    ("bun.lock", "bun install"),
    ("bun.lockb", "bun install"),
];

/// A folder `node_modules` for the app in `folder`, unless it has one of its own or needs none. Nothing is written into
/// `folder`: what its lock names is installed in the cache.
pub async fn of(folder: &Path, shown: &str, cache: &Cache) -> anyhow::Result<Option<PathBuf>> {
    if !has_dependencies(folder)? || folder.ancestors().any(|folder| folder.join("node_modules").is_dir()) {
        return Ok(None);
    }
    let Some(lock) = LOCKED.into_iter().find(|lock| folder.join(lock).is_file()) else {
        let other = OTHERS.into_iter().find(|(lock, _)| folder.join(lock).is_file());
        let command = other.map_or("npm install", |(_, command)| command);
        bail!("the packages that it needs are not installed: run `{command}` in `{shown}`");
    };
    let files: Vec<&str> =
        ["package.json", lock, ".npmrc"].into_iter().filter(|file| folder.join(file).is_file()).collect();
    let mut stamp = Stamp::default();
    stamp.files("packages", folder, &files).with_context(|| format!("cannot read what is in `{shown}`"))?;
    let name = stamp.digest().short().to_string();
    let installed = cache.made("deps", &name, async |copy| {
        say(format_args!("installing the packages of {shown} ({lock}) into a folder of our own: once…"));
        for file in &files {
            fs::copy(folder.join(file), copy.join(file)).with_context(|| format!("cannot copy `{file}`"))?;
        }
        let instead = || format!("its packages cannot be installed apart from it: run `npm install` in `{shown}`");
        npm_ci(copy).await.with_context(instead)
    });
    Ok(Some(installed.await?.join("node_modules")))
}

fn has_dependencies(folder: &Path) -> anyhow::Result<bool> {
    let Ok(text) = fs::read_to_string(folder.join("package.json")) else { return Ok(false) };
    let read: Value = serde_json::from_str(&text).context("package.json cannot be read")?;
    Ok(read.get("dependencies").and_then(Value::as_object).is_some_and(|dependencies| !dependencies.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(files: &[(&str, &str)], expected: Result<Option<&str>, &str>) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("shop");
        for (path, content) in files {
            fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            fs::write(folder.join(path), content).unwrap();
        }
        let found = of(&folder, "shop", &Cache::at(home.path().join("tools"))).await;
        let found = found.map_err(|error| error.to_string());
        assert_eq!(found, expected.map(|path| path.map(PathBuf::from)).map_err(str::to_owned), "{files:?}");
    }

    #[tokio::test]
    async fn nobody_installs_what_is_there_or_not_needed() {
        let needs = ("package.json", r#"{"dependencies":{"hono":"4"}}"#);
        check(&[("index.js", "")], Ok(None)).await;
        check(&[("package.json", r#"{"devDependencies":{"x":"1"}}"#)], Ok(None)).await;
        check(&[needs, ("node_modules/hono/package.json", "{}")], Ok(None)).await;
        let missing = "the packages that it needs are not installed: run";
        check(&[needs], Err(&format!("{missing} `npm install` in `shop`"))).await;
        check(&[needs, ("pnpm-lock.yaml", "")], Err(&format!("{missing} `pnpm install` in `shop`"))).await;
        check(&[("package.json", "{")], Err("package.json cannot be read")).await;
    }
}

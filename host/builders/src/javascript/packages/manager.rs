//! Whose lock it is, and how that tool installs what is in it. npm is there with Node.js, and brings the others.

use std::fs;
use std::path::Path;

use anyhow::bail;
use tokio::process::Command;

use crate::javascript::tools::explain_missing;
use crate::run::output;
use crate::source::javascript::manifest::Manifest;
use crate::source::javascript::manifest::Wanted;

/// What reads a lock of the versions that its author has not said.
const PNPM_5: &str = "7.33.7";
const PNPM_6: &str = "8.15.9";
const PNPM: &str = "10.34.9";
const YARN_1: &str = "1.22.22";
const YARN: &str = "4.18.1";

/// What a project's `.npmrc` might have run otherwise.
const SHELL: &str = "--script-shell=sh";
const OPTIONS: &str = "--node-options=";

/// So many lines of what a tool says are shown.
const LINES_MAX: usize = 12;

/// A tool that installs packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manager {
    /// npm, with the lock of that name.
    Npm(&'static str),
    /// npm without a lock, and why.
    Unlocked(&'static str),
    /// pnpm of this version.
    Pnpm(String),
    /// Yarn 1, of this version.
    YarnClassic(String),
    /// Yarn 2 and newer.
    Yarn(String),
}

impl Manager {
    /// The one of the root in `folder`, which has these `locks`.
    pub fn of(folder: &Path, manifest: &Manifest, locks: &[&'static str]) -> Manager {
        let named = manifest.manager();
        let preferred = locks.iter().find(|lock| named.is_some_and(|(name, _)| lock_of(name).contains(lock)));
        let Some(lock) = preferred.or(locks.first()) else { return Manager::Unlocked("there is no lock") };
        let version = |name: &str, least: &str, else_: &str| match named {
            Some((tool, version)) if tool == name && is_release(version) && is_at_least(version, least) => {
                version.to_owned()
            }
            _ => else_.to_owned(),
        };
        let text = || fs::read_to_string(folder.join(lock)).unwrap_or_default();
        match *lock {
            "pnpm-lock.yaml" => {
                let text = text();
                let format = text.lines().find_map(|line| line.strip_prefix("lockfileVersion:")).unwrap_or_default();
                let newest = match format.trim().trim_matches(['\'', '"']).split('.').next() {
                    Some("5") => PNPM_5,
                    Some("6") => PNPM_6,
                    _ => PNPM,
                };
                Manager::Pnpm(version("pnpm", "7", newest))
            }
            "yarn.lock" if text().contains("\n__metadata:") => Manager::Yarn(version("yarn", "2", YARN)),
            "yarn.lock" => Manager::YarnClassic(YARN_1.to_owned()),
            "bun.lock" | "bun.lockb" => Manager::Unlocked("npm does not read bun's lock"),
            lock => Manager::Npm(lock),
        }
    }

    /// What is read, and with which tool, for a sentence.
    pub fn shown(&self) -> String {
        match self {
            Manager::Npm(lock) => (*lock).to_owned(),
            Manager::Unlocked(why) => format!("the newest that package.json allows: {why}"),
            Manager::Pnpm(version) => format!("pnpm-lock.yaml, with pnpm {version}"),
            Manager::YarnClassic(version) | Manager::Yarn(version) => format!("yarn.lock, with Yarn {version}"),
        }
    }

    /// What its author types.
    pub fn typed(&self) -> &'static str {
        match self {
            Manager::Npm(_) | Manager::Unlocked(_) => "npm install",
            Manager::Pnpm(_) => "pnpm install",
            Manager::YarnClassic(_) | Manager::Yarn(_) => "yarn install",
        }
    }

    /// Installs in `folder` what the files there name, without running anything of it.
    pub async fn install(&self, folder: &Path, wanted: Wanted) -> anyhow::Result<()> {
        let runtime = wanted == Wanted::Runtime;
        let mut npm = Command::new("npm");
        // Programs that a project names in its settings are not run.
        npm.current_dir(folder).env("YARN_IGNORE_PATH", "1");
        match self {
            Manager::Npm(_) => {
                npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).args(runtime.then_some("--omit=dev"));
            }
            Manager::Unlocked(_) => {
                npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]);
                npm.args(runtime.then_some("--omit=dev"));
            }
            Manager::Pnpm(version) => {
                npm.args([
                    "exec",
                    "--yes",
                    SHELL,
                    OPTIONS,
                    &format!("--package=pnpm@{version}"),
                    "--",
                    "pnpm",
                    "install",
                ]);
                npm.args(["--frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile"]);
                npm.args(["--config.manage-package-manager-versions=false", "--config.engine-strict=false"]);
                npm.args(runtime.then_some("--prod"));
            }
            Manager::YarnClassic(version) => {
                npm.args([
                    "exec",
                    "--yes",
                    SHELL,
                    OPTIONS,
                    &format!("--package=yarn@{version}"),
                    "--",
                    "yarn",
                    "install",
                ]);
                npm.args(["--frozen-lockfile", "--ignore-scripts", "--ignore-engines", "--non-interactive"]);
                npm.args(runtime.then_some("--production"));
            }
            Manager::Yarn(version) => {
                npm.args([
                    "exec",
                    "--yes",
                    SHELL,
                    OPTIONS,
                    &format!("--package=@yarnpkg/cli-dist@{version}"),
                    "--",
                    "yarn",
                ]);
                npm.args(["install", "--immutable"]);
                npm.env("YARN_NODE_LINKER", "node-modules").env("YARN_ENABLE_SCRIPTS", "false");
                npm.env("YARN_ENABLE_TELEMETRY", "0");
                npm.env("YARN_NPM_REGISTRY_SERVER", registry(folder).await?);
            }
        }
        let ended = output(&mut npm).await.map_err(|error| explain_missing("npm", error))?;
        if !ended.status.success() {
            let (said, complained) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
            let lines: Vec<&str> = said.lines().chain(complained.lines()).filter(|line| !line.is_empty()).collect();
            let errors: Vec<&str> = lines.iter().copied().filter(|line| is_error(line)).take(LINES_MAX).collect();
            let shown = if errors.is_empty() { &lines[lines.len().saturating_sub(LINES_MAX)..] } else { &errors[..] };
            bail!("its manager ended with {}\n    {}", ended.status, shown.join("\n    "));
        }
        Ok(())
    }
}

/// The index that npm asks, which Yarn would not know of.
async fn registry(folder: &Path) -> anyhow::Result<String> {
    let mut npm = Command::new("npm");
    let asked = output(npm.current_dir(folder).args(["config", "get", "registry"])).await;
    let asked = asked.map_err(|error| explain_missing("npm", error))?;
    Ok(String::from_utf8_lossy(&asked.stdout).trim().trim_end_matches('/').to_owned())
}

fn is_error(line: &str) -> bool {
    line.starts_with("npm error") || line.starts_with("error ") || line.contains("ERR_") || line.contains("YN0028")
}

fn lock_of(manager: &str) -> &'static [&'static str] {
    match manager {
        "npm" => &["package-lock.json", "npm-shrinkwrap.json"],
        "pnpm" => &["pnpm-lock.yaml"],
        "yarn" => &["yarn.lock"],
        "bun" => &["bun.lock", "bun.lockb"],
        _ => &[],
    }
}

/// Whether it is the number of a release. An address, or another package's name, would have somebody else's program run here.
fn is_release(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn is_at_least(version: &str, least: &str) -> bool {
    let first = |text: &str| text.split('.').next().and_then(|number| number.parse::<u32>().ok());
    first(version) >= first(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::javascript::project::LOCKS;

    fn check(files: &[(&str, &str)], expected: Manager) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            fs::write(folder.path().join(path), text).unwrap();
        }
        let locks: Vec<_> = LOCKS.into_iter().filter(|lock| folder.path().join(lock).is_file()).collect();
        let manifest = Manifest::read(folder.path()).unwrap();
        assert_eq!(Manager::of(folder.path(), &manifest, &locks), expected, "{files:?}");
    }

    #[test]
    fn a_lock_tells_its_manager() {
        check(&[("package.json", "{}")], Manager::Unlocked("there is no lock"));
        check(&[("package-lock.json", "{}")], Manager::Npm("package-lock.json"));
        check(&[("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")], Manager::Pnpm(PNPM.into()));
        check(&[("pnpm-lock.yaml", "lockfileVersion: 5.4\n")], Manager::Pnpm(PNPM_5.into()));
        let named = ("package.json", r#"{"packageManager":"pnpm@9.15.9"}"#);
        check(&[named, ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")], Manager::Pnpm("9.15.9".into()));
        check(&[named, ("package-lock.json", ""), ("pnpm-lock.yaml", "")], Manager::Pnpm("9.15.9".into()));
        for elsewhere in ["npm:other@9.0.0", "https://example.org/9.tgz", "9.1.0 x", "latest"] {
            let named = format!(r#"{{"packageManager":"pnpm@{elsewhere}"}}"#);
            check(
                &[("package.json", &named), ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")],
                Manager::Pnpm(PNPM.into()),
            );
        }
        check(&[("yarn.lock", "# yarn lockfile v1\n")], Manager::YarnClassic(YARN_1.into()));
        check(&[("yarn.lock", "# x\n\n__metadata:\n  version: 8\n")], Manager::Yarn(YARN.into()));
        check(&[("bun.lock", "{}")], Manager::Unlocked("npm does not read bun's lock"));
    }
}

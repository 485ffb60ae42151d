//! The tools for JavaScript: Node.js, which is found, and what is installed with npm once for each version of this program.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use guesthouse_types::name::Digest;
use include_dir::Dir;
use include_dir::DirEntry;
use include_dir::include_dir;
use tokio::process::Command;

use crate::cache::tools::Cache;
use crate::progress::say;
use crate::run::output;

/// The programs, what is bundled with each app, and the interfaces.
static PROGRAMS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/javascript");

/// The oldest release of Node.js that the bundler runs on.
const NODE_MIN: (u32, u32) = (20, 19);

/// Where to get it.
const NODE: &str = "building JavaScript apps needs Node.js 20.19 or newer with npm, which https://nodejs.org has";

/// Tools that can be called.
#[derive(Debug)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Installs them if they are not there.
    pub async fn ready(cache: &Cache) -> anyhow::Result<Tools> {
        node_version().await?;
        let folder =
            cache.made("javascript", &version().short().to_string(), async |folder| install(folder).await).await?;
        Ok(Tools { folder })
    }

    /// One of the programs, to be run.
    pub fn node(&self, program: &str) -> Command {
        node(&self.folder.join(program))
    }

    /// The engine without an app.
    pub fn template(&self) -> PathBuf {
        self.folder.join("template")
    }
}

/// Whatever changes in the programs or the pinned packages is another version.
pub fn version() -> Digest {
    let mut all = Vec::new();
    for (path, content) in programs(&PROGRAMS) {
        all.extend_from_slice(format!("{} {}\n", path.display(), Digest::of(content)).as_bytes());
    }
    Digest::of(&all)
}

/// Says what to do when a tool cannot even be started.
pub fn explain_missing(tool: &str, error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!("cannot find `{tool}`: {NODE}"),
        _ => anyhow::Error::new(error).context(format!("cannot start `{tool}`")),
    }
}

/// Installs in `folder` what `package-lock.json` there names, without running anything of it.
pub async fn npm_ci(folder: &Path) -> anyhow::Result<()> {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]);
    let ended = output(&mut npm).await.map_err(|error| explain_missing("npm", error))?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        let errors: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("npm error ")).take(12).collect();
        bail!("`npm ci` ended with {}\n    {}", ended.status, errors.join("\n    "));
    }
    Ok(())
}

/// What the Node.js that is found calls itself, if it is new enough.
pub async fn node_version() -> anyhow::Result<String> {
    let asked = output(Command::new("node").arg("--version")).await;
    let asked = asked.map_err(|error| explain_missing("node", error))?;
    let said = String::from_utf8_lossy(&asked.stdout);
    if release(&said).is_none_or(|release| release < NODE_MIN) {
        bail!("the `node` that is found is {}: {NODE}", said.trim());
    }
    Ok(format!("Node.js {}", said.trim().trim_start_matches('v')))
}

/// `v20.19.1`
fn release(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

async fn install(folder: &Path) -> anyhow::Result<()> {
    say(format_args!(
        "installing the tools for JavaScript (componentize-js and rolldown, 70 MB): once, and offline from then on…"
    ));
    for (path, content) in programs(&PROGRAMS) {
        let to = folder.join(path);
        let written = fs::create_dir_all(to.parent().unwrap_or(folder)).and_then(|()| fs::write(&to, content));
        written.with_context(|| format!("cannot write to `{}`", to.display()))?;
    }
    npm_ci(folder).await.context("the tools for JavaScript cannot be installed")?;
    let template = folder.join("template");
    fs::create_dir(&template).with_context(|| format!("cannot make the folder `{}`", template.display()))?;
    say(format_args!("preparing the engine…"));
    let made = output(node(&folder.join("template.mjs")).arg(&template)).await;
    let made = made.map_err(|error| explain_missing("node", error))?;
    if !made.status.success() {
        bail!("the engine cannot be prepared: {}", String::from_utf8_lossy(&made.stderr).trim());
    }
    Ok(())
}

fn node(program: &Path) -> Command {
    let mut node = Command::new("node");
    // That its WASI is experimental is no news for whoever builds an app; wishes for other programs are not meant for ours.
    node.arg("--no-warnings");
    // Node.js 20 falls over the engine's memory (SIGSEGV) when it looks for garbage beside a large app that is being loaded.
    node.arg("--no-concurrent-marking").arg(program).env_remove("NODE_OPTIONS");
    node
}

fn programs(folder: &'static Dir<'static>) -> Vec<(&'static Path, &'static [u8])> {
    let below = |entry: &'static DirEntry<'static>| match entry {
        DirEntry::Dir(folder) if folder.path().ends_with("node_modules") => Vec::new(),
        DirEntry::Dir(folder) => programs(folder),
        DirEntry::File(file) => vec![(file.path(), file.contents())],
    };
    let mut found: Vec<_> = folder.entries().iter().flat_map(below).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_all_here() {
        let paths: Vec<&Path> = programs(&PROGRAMS).into_iter().map(|(path, _)| path).collect();
        for path in ["build.mjs", "package-lock.json", "runtime/serve.js", "wit/world.wit", "wit/deps/http/types.wit"] {
            assert!(paths.contains(&Path::new(path)), "{path} in {paths:?}");
        }
    }

    #[test]
    fn releases_of_node_are_compared_by_number() {
        assert_eq!(release("v20.19.1\n"), Some((20, 19)));
        assert!(release("v20.9.0") < Some(NODE_MIN) && release("v100.0.0") > Some(NODE_MIN));
        assert_eq!(release("node"), None);
    }

    #[test]
    fn a_missing_tool_is_one_clear_sentence() {
        let error = explain_missing("npm", io::ErrorKind::NotFound.into());
        assert_eq!(error.to_string(), format!("cannot find `npm`: {NODE}"));
    }
}

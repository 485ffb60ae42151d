//! What is in a wheel, and what a source is built with: asked of `wheel.py`, which runs in the tools' Python.

use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::python::toolchain::tools::Tools;
use crate::run::output;

/// What a source says of its build (PEP 517, PEP 518).
#[derive(Debug, Deserialize)]
pub struct Unpacked {
    /// What the build needs.
    pub requires: Vec<String>,
    /// Whether it calls cargo.
    pub cargo: bool,
    /// Where the source lies now.
    pub folder: PathBuf,
}

/// The native files in a wheel, each with whether it is WebAssembly.
pub async fn native_files(tools: &Tools, wheel: &Path) -> anyhow::Result<Vec<(String, bool)>> {
    ask(tools, "look", &[wheel]).await
}

/// The same wheel in `folder`, tagged for every Python: pip refuses what is tagged for another system.
pub async fn plain(tools: &Tools, wheel: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    ask(tools, "plain", &[wheel, folder]).await
}

/// The same wheel in `folder`, tagged for the guest: pip and others know it as that.
pub async fn tagged(tools: &Tools, wheel: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    ask(tools, "tagged", &[wheel, folder]).await
}

/// Unpacks a source, a file or a folder, into `folder`.
pub async fn unpack(tools: &Tools, source: &Path, folder: &Path) -> anyhow::Result<Unpacked> {
    ask(tools, "unpack", &[source, folder]).await
}

async fn ask<Answer: DeserializeOwned>(tools: &Tools, what: &str, paths: &[&Path]) -> anyhow::Result<Answer> {
    let mut command = tools.wheel(what);
    command.args(paths.iter().map(|path| path.as_os_str()).collect::<Vec<&OsStr>>());
    let asked = output(&mut command).await.context("cannot start Python")?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr);
        let last = said.trim().lines().last().unwrap_or_default().to_owned();
        bail!("`{}` cannot be read: {last}", paths.first().map_or(Path::new(""), |path| path).display());
    }
    serde_json::from_slice(&asked.stdout).context("what is in a wheel cannot be read")
}

//! Whether the tools are there that builds need and do not bring along: looked for, and nothing installed.

use std::path::Path;

use anyhow::bail;

use crate::javascript::tools::node_version;
use crate::python::toolchain::interpreter;
use crate::toolchain::TARGET;
use crate::toolchain::has_target;
use crate::toolchain::version;

/// A language whose apps can be built here: with which tool, or what is missing and what to type.
pub type Found = (&'static str, anyhow::Result<String>);

/// All languages that there are builders for.
pub async fn languages(folder: &Path) -> [Found; 3] {
    [("Python", python().await), ("JavaScript", node_version().await), ("Rust", rust(folder).await)]
}

async fn python() -> anyhow::Result<String> {
    let found = interpreter::find().await?;
    let (major, minor) = found.version;
    Ok(format!("Python {major}.{minor} at {}", found.executable.display()))
}

async fn rust(folder: &Path) -> anyhow::Result<String> {
    let version = version(folder).await?;
    if !has_target(folder).await? {
        bail!("{version} without the target {TARGET}: `rustup target add {TARGET}` (a build does that by itself)");
    }
    Ok(format!("{version} with {TARGET}"))
}

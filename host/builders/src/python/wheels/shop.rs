//! What wheels are made with, and tools of theirs that come from the package index.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::Digest;

use crate::cache::tools::Cache;
use crate::progress::say;
use crate::python::index::resolve::why;
use crate::python::toolchain::pip::PipSettings;
use crate::python::toolchain::tools::Tools;
use crate::run::output;

/// What wheels are made with.
pub struct Workshop<'build> {
    /// The tools.
    pub tools: &'build Tools,
    /// Where they lie, and what was compiled.
    pub cache: &'build Cache,
    /// How an index is reached.
    pub settings: &'build PipSettings,
    /// Where the app's packages come from, as options of pip: what a package is built with comes from there too.
    pub options: Vec<String>,
}

/// A tool of which a build of packages needs the files, in the cache: pinned by `list`, and said to come when it does.
pub async fn tool(shop: &Workshop<'_>, name: &str, list: &str, what: &str) -> anyhow::Result<PathBuf> {
    let pinned = format!("{name}-{}", Digest::of(list.as_bytes()).short());
    let made = shop.cache.made("wheel-tools", &pinned, async |folder| {
        say(format_args!("  first use: installing {name} ({what}, once)…"));
        let file = folder.join("pinned.txt");
        fs::write(&file, list).context("cannot write to the cache")?;
        let mut pip = shop.tools.pip();
        pip.args([
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
        ]);
        pip.args(["--require-hashes", "-r"]).arg(&file).arg("--target").arg(folder.join("tool"));
        shop.settings.look(&mut pip);
        let done = output(&mut pip).await.context("cannot start pip")?;
        if !done.status.success() {
            bail!(
                "{name} cannot be installed, which needs the network once: {}",
                why(&String::from_utf8_lossy(&done.stderr))
            );
        }
        Ok(())
    });
    Ok(made.await?.join("tool"))
}

//! The component that stands before a gateway app on other hosts: its source is in this program, and it is built where it is
//! first needed.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::Digest;
use include_dir::Dir;
use include_dir::DirEntry;
use include_dir::include_dir;
use tokio::time::Instant;

use crate::builders::cache::Cache;
use crate::builders::say::say;
use crate::builders::say::seconds;
use crate::builders::toolchain::TARGET;
use crate::builders::toolchain::ensure_target;
use crate::builders::toolchain::explain_missing;
use crate::builders::toolchain::tool;

static SOURCE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/adapter/src");

/// What is beside its source. The lock file is part of it: everybody's adapter is the same.
const FILES: &[(&str, &[u8])] = &[
    (".cargo/config.toml", include_bytes!("../../../sdk/adapter/.cargo/config.toml")),
    ("Cargo.lock", include_bytes!("../../../sdk/adapter/Cargo.lock")),
    ("Cargo.toml", include_bytes!("../../../sdk/adapter/Cargo.toml")),
    ("wit/gateway.wit", include_bytes!("../../../wit/gateway.wit")),
];

/// The adapter's bytes, from the folder of tools; made now if it is not there. Dropping the future stops that.
pub async fn adapter() -> anyhow::Result<Vec<u8>> {
    let folder = Cache::of_process()?.made("portable", &version(), async |folder| fill(folder).await).await?;
    let file = folder.join("adapter.wasm");
    fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))
}

async fn fill(folder: &Path) -> anyhow::Result<()> {
    let workshop = folder.join("workshop");
    let unwritable = || format!("cannot write to `{}`", folder.display());
    for (path, content) in files() {
        let path = workshop.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&workshop)).with_context(unwritable)?;
        fs::write(path, content).with_context(unwritable)?;
    }
    let built = make(&workshop).await?;
    fs::rename(&built, folder.join("adapter.wasm")).with_context(unwritable)?;
    fs::remove_dir_all(&workshop).with_context(unwritable)
}

async fn make(folder: &Path) -> anyhow::Result<PathBuf> {
    ensure_target(folder).await?;
    say(format_args!("making the adapter for portable apps, once (Rust)…"));
    let begun = Instant::now();
    let mut cargo = tool("cargo", folder);
    let target = folder.join("target");
    cargo.args(["build", "--release", "--locked", "--quiet", "--target", TARGET, "--target-dir"]).arg(&target);
    let ended = cargo.status().await.map_err(|error| explain_missing("cargo", error))?;
    if !ended.success() {
        bail!("the adapter for portable apps does not build: cargo ended with {ended}");
    }
    say(format_args!("made the adapter in {}", seconds(begun.elapsed())));
    Ok(target.join(TARGET).join("release/guesthouse_adapter.wasm"))
}

/// The program's version, and what the source is.
fn version() -> String {
    let all: Vec<u8> =
        files().into_iter().flat_map(|(path, content)| [path.into_bytes(), content.to_vec()].concat()).collect();
    format!("{}-{}", env!("CARGO_PKG_VERSION"), Digest::of(&all).short())
}

fn files() -> Vec<(String, &'static [u8])> {
    let source = SOURCE.entries().iter().filter_map(DirEntry::as_file);
    let source = source.map(|file| (format!("src/{}", file.path().display()), file.contents()));
    let mut files: Vec<_> = source.chain(FILES.iter().map(|(path, content)| ((*path).to_owned(), *content))).collect();
    files.sort();
    files
}

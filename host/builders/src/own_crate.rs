//! A crate of our own in Rust whose source is in this program: it is built where it is first needed.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::Digest;
use include_dir::Dir;
use include_dir::DirEntry;
use tokio::time::Instant;

use crate::cache::tools::Cache;
use crate::progress::say;
use crate::progress::seconds;
use crate::toolchain::TARGET;
use crate::toolchain::ensure_target;
use crate::toolchain::explain_missing;
use crate::toolchain::tool;

/// What is in this program of it, and what comes of it.
pub struct OwnCrate {
    /// Under which name the folder of tools keeps it.
    pub kind: &'static str,
    /// What it is, for a sentence.
    pub what: &'static str,
    /// Its folder `src`.
    pub source: &'static Dir<'static>,
    /// What is beside that. The lock file is part of it: what is made is the same everywhere.
    pub files: &'static [(&'static str, &'static [u8])],
    /// What Cargo calls the library.
    pub library: &'static str,
    /// What the library is called when it is kept.
    pub file: &'static str,
}

impl OwnCrate {
    /// The library, if it was built before.
    pub fn there(&self, cache: &Cache) -> Option<PathBuf> {
        Some(cache.there(self.kind, &self.version())?.join(self.file))
    }

    /// The library, built now if it was not yet. Dropping the future stops that.
    pub async fn ready(&self, cache: &Cache) -> anyhow::Result<PathBuf> {
        let folder = cache.made(self.kind, &self.version(), async |folder| self.fill(folder).await).await?;
        Ok(folder.join(self.file))
    }

    /// The program's version, and what the source is.
    pub fn version(&self) -> String {
        let all: Vec<u8> =
            self.all().into_iter().flat_map(|(path, content)| [path.into_bytes(), content.to_vec()].concat()).collect();
        format!("{}-{}", env!("CARGO_PKG_VERSION"), Digest::of(&all).short())
    }

    async fn fill(&self, folder: &Path) -> anyhow::Result<()> {
        let workshop = folder.join("workshop");
        let unwritable = || format!("cannot write to `{}`", folder.display());
        for (path, content) in self.all() {
            let path = workshop.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&workshop)).with_context(unwritable)?;
            fs::write(path, content).with_context(unwritable)?;
        }
        let built = self.build(&workshop).await?;
        fs::rename(&built, folder.join(self.file)).with_context(unwritable)?;
        fs::remove_dir_all(&workshop).with_context(unwritable)
    }

    async fn build(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        ensure_target(folder).await?;
        say(format_args!("making {}, once (Rust)…", self.what));
        let begun = Instant::now();
        let mut cargo = tool("cargo", folder);
        let target = folder.join("target");
        cargo
            .args(["build", "--release", "--locked", "--quiet", "--lib", "--target", TARGET, "--target-dir"])
            .arg(&target);
        // These would take the place of the flags in its own configuration.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_BUILD_RUSTFLAGS");
        let ended = cargo.output().await.map_err(|error| explain_missing("cargo", error))?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            bail!("{} does not build: {}", self.what, said.trim().lines().last().unwrap_or("cargo said nothing"));
        }
        say(format_args!("made {} in {}", self.what, seconds(begun.elapsed())));
        Ok(target.join(TARGET).join("release").join(self.library).with_extension("wasm"))
    }

    fn all(&self) -> Vec<(String, &'static [u8])> {
        let source = self.source.entries().iter().filter_map(DirEntry::as_file);
        let source = source.map(|file| (format!("src/{}", file.path().display()), file.contents()));
        let beside = self.files.iter().map(|(path, content)| ((*path).to_owned(), *content));
        let mut files: Vec<_> = source.chain(beside).collect();
        files.sort();
        files
    }
}

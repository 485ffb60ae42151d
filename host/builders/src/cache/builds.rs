//! The component that the last build of a source made, and the stamp of what it was made from.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use guesthouse_types::private;
use guesthouse_types::private::Durable;

use crate::cache::tools::Cache;
use crate::cache::tools::Held;

/// What is kept for one source. While it lives, no other build of the same source runs.
#[derive(Debug)]
pub struct BuildCache {
    held: Held,
}

impl BuildCache {
    /// Of the app `name` from `source`, a real path.
    pub async fn of(cache: &Cache, source: &Path, name: &AppName) -> anyhow::Result<BuildCache> {
        BuildCache::named(cache, source, name.as_str()).await
    }

    /// Of the same app, as it is built to have its source mounted over it.
    pub async fn of_live(cache: &Cache, source: &Path, name: &AppName) -> anyhow::Result<BuildCache> {
        // A colon stands in no app's name.
        BuildCache::named(cache, source, &format!("{name}:live")).await
    }

    async fn named(cache: &Cache, source: &Path, name: &str) -> anyhow::Result<BuildCache> {
        let identity = [source.as_os_str().as_encoded_bytes(), b"\0", name.as_bytes()].concat();
        let entry = Digest::of(&identity).short().to_string();
        Ok(BuildCache { held: cache.held("builds", &entry).await? })
    }

    /// The component that was made from exactly this.
    pub fn component(&self, stamp: &Digest) -> Option<Vec<u8>> {
        let (noted, of) = (self.note("stamp")?, stamp.to_string());
        let (found, content) = noted.split_once(' ')?;
        let bytes = fs::read(self.path()).ok().filter(|_| found == of)?;
        // Both were written one after the other, and somebody may have been in between.
        (Digest::of(&bytes).to_string() == content).then_some(bytes)
    }

    /// Keeps what was made from it.
    pub fn keep(&self, stamp: &Digest, component: &[u8]) -> anyhow::Result<()> {
        private::write(&self.path(), component, Durable::No)
            .with_context(|| format!("cannot keep the component in `{}`", self.held.folder.display()))?;
        self.write("stamp", &format!("{stamp} {}", Digest::of(component)))
    }

    /// What was noted under `name` by an earlier build.
    pub fn note(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.held.folder.join(name)).ok()
    }

    /// Notes something for the next build.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        private::write(&self.held.folder.join(name), text.as_bytes(), Durable::No)
            .with_context(|| format!("cannot write to `{}`", self.held.folder.display()))
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        &self.held.folder
    }

    /// An empty folder for this build's own files.
    pub fn workplace(&self) -> anyhow::Result<PathBuf> {
        let folder = self.held.folder.join("work");
        private::clear(&folder)
            .and_then(|()| private::folder(&folder))
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        Ok(folder)
    }

    fn path(&self) -> PathBuf {
        self.held.folder.join("app.wasm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_component_is_given_for_its_own_stamp_only() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("tools"));
        let name = AppName::parse("shop").unwrap();
        let kept = BuildCache::of(&cache, "/src/shop".as_ref(), &name).await.unwrap();
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        assert_eq!(kept.component(&one), None);
        kept.keep(&one, b"component").unwrap();
        assert_eq!((kept.component(&one), kept.component(&other)), (Some(b"component".to_vec()), None));
        // The next one was interrupted before its stamp was written.
        fs::write(kept.path(), "another").unwrap();
        assert_eq!(kept.component(&one), None);

        fs::write(kept.workplace().unwrap().join("left"), "").unwrap();
        assert_eq!(fs::read_dir(kept.workplace().unwrap()).unwrap().count(), 0);
    }
}

//! The folder of tools: what builders install, make once, or keep between builds, for this user alone.

use std::env;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::anyhow;
use guesthouse_types::private;

use crate::progress::say;

/// How often it is looked whether another build has ended.
const LOOK: Duration = Duration::from_millis(100);

/// The folder, and what is in it: `<kind>/<name>/`, and `<kind>/<name>.lock` beside it.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// A folder in it that one build at a time works in.
#[derive(Debug)]
pub struct Held {
    /// The folder.
    pub folder: PathBuf,
    // The system unlocks it when it is closed, however this process ends.
    _lock: File,
}

impl Cache {
    /// `$GUESTHOUSE_TOOLS`, else `$XDG_CACHE_HOME/guesthouse/tools`, else `~/.cache/guesthouse/tools`.
    pub fn of_process() -> anyhow::Result<Cache> {
        let path = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let below_home = || {
            let home = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")))?;
            Some(home.join("guesthouse/tools"))
        };
        let root = path("GUESTHOUSE_TOOLS").or_else(below_home);
        let root = root.context(
            "there is no place for tools: neither $GUESTHOUSE_TOOLS, $XDG_CACHE_HOME nor $HOME is an absolute path",
        )?;
        Ok(Cache { root })
    }

    /// The one at `root`.
    pub fn at(root: PathBuf) -> Cache {
        Cache { root }
    }

    /// Where hosts of this user keep the functions of runtimes.
    pub fn functions(&self) -> PathBuf {
        self.root.join("functions")
    }

    /// The folder `<kind>/<name>`, whole: if it is not there yet, `make` fills one, and it gets its name when that is done.
    /// What is interrupted leaves nothing that looks like it. Another build that needs the same waits.
    ///
    /// It is moved after it was made: `make` may not write its path into it.
    pub async fn made(
        &self,
        kind: &str,
        name: &str,
        make: impl AsyncFnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let folder = self.root.join(kind).join(name);
        if folder.is_dir() {
            private::owned(&folder).with_context(|| format!("the tools in `{}` are not used", folder.display()))?;
            return Ok(folder);
        }
        let _lock = self.lock(kind, name).await?;
        if folder.is_dir() {
            return Ok(folder);
        }
        // There is one at most, because of the lock.
        let draft = folder.with_file_name(format!("{name}.draft"));
        let failed = || anyhow!("cannot write to `{}`", self.root.display());
        private::clear(&draft).and_then(|()| private::folder(&draft)).with_context(failed)?;
        make(&draft).await?;
        std::fs::rename(&draft, &folder).with_context(failed)?;
        Ok(folder)
    }

    /// The folder `<kind>/<name>`, if it was made already and is its owner's alone.
    pub fn there(&self, kind: &str, name: &str) -> Option<PathBuf> {
        let folder = self.root.join(kind).join(name);
        (folder.is_dir() && private::owned(&folder).is_ok()).then_some(folder)
    }

    /// Of the folders that were made and whose names are `prefix` and a number, that with the largest.
    pub fn newest(&self, kind: &str, prefix: &str) -> Option<PathBuf> {
        let names = self.root.join(kind).read_dir().ok()?.flatten();
        let numbers = names.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse::<u64>().ok());
        self.there(kind, &format!("{prefix}{}", numbers.max()?))
    }

    /// All that were made of a kind, by name.
    pub fn names(&self, kind: &str) -> Vec<String> {
        let entries = self.root.join(kind).read_dir().into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| !name.ends_with(".draft"));
        names.sort();
        names
    }

    /// Removes what nobody reads any more.
    pub fn forget(&self, kind: &str, names: &[String]) {
        for name in names {
            let folder = self.root.join(kind).join(name);
            let _ = private::clear(&folder);
            let _ = std::fs::remove_file(folder.with_file_name(format!("{name}.lock")));
        }
    }

    /// The folder `<kind>/<name>` for as long as the result lives, whatever is in it.
    pub async fn held(&self, kind: &str, name: &str) -> anyhow::Result<Held> {
        let lock = self.lock(kind, name).await?;
        let folder = self.root.join(kind).join(name);
        private::folder(&folder).with_context(|| format!("cannot use the folder `{}`", folder.display()))?;
        Ok(Held { folder, _lock: lock })
    }

    async fn lock(&self, kind: &str, name: &str) -> anyhow::Result<File> {
        let parent = self.root.join(kind);
        let failed = || format!("cannot use the folder of tools `{}` ($GUESTHOUSE_TOOLS is another)", parent.display());
        private::folder(&parent).with_context(failed)?;
        let path = parent.join(format!("{name}.lock"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).with_context(failed)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        say(format_args!("waiting for another build, which works in `{}`…", parent.display()));
                        told = true;
                    }
                    tokio::time::sleep(LOOK).await;
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock `{}`", path.display()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use anyhow::bail;

    use super::*;

    #[tokio::test]
    async fn an_interrupted_install_never_looks_complete() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("tools"));
        let broken = cache.made("python", "1", async |folder| {
            fs::write(folder.join("half"), "")?;
            bail!("interrupted")
        });
        assert_eq!(broken.await.unwrap_err().to_string(), "interrupted");
        assert!(!home.path().join("tools/python/1").exists());

        let made = cache.made("python", "1", async |folder| Ok(fs::write(folder.join("whole"), "")?)).await.unwrap();
        let names: Vec<_> = fs::read_dir(&made).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["whole"]);
        let again = cache.made("python", "1", async |_| bail!("it is there already")).await.unwrap();
        assert_eq!(again, made);
    }

    #[tokio::test]
    async fn the_newest_of_several_is_found_and_old_ones_are_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("tools"));
        assert_eq!(cache.newest("deps", "a-"), None);
        for name in ["a-9", "a-10", "a-11.draft", "b-12"] {
            cache.made("deps", name, async |_| Ok(())).await.unwrap();
        }
        assert_eq!(cache.newest("deps", "a-"), cache.there("deps", "a-10"));
        cache.forget("deps", &["a-10".to_owned(), "a-8".to_owned()]);
        assert_eq!(cache.newest("deps", "a-"), cache.there("deps", "a-9"));
        assert!(cache.there("deps", "b-12").is_some() && cache.there("deps", "a-10").is_none());
    }

    #[tokio::test]
    async fn it_is_the_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("tools"));
        let held = cache.held("builds", "shop").await.unwrap();
        for path in [&held.folder, &home.path().join("tools/builds"), &home.path().join("tools")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_build_of_the_same_waits() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let first = cache.held("builds", "shop").await.unwrap();
        assert!(cache.held("builds", "till").await.is_ok());
        let (one, other) = (cache.clone(), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        let (second, ()) = tokio::join!(one.held("builds", "shop"), other);
        assert!(second.is_ok());
    }
}

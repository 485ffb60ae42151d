//! The machine code of single functions, kept for the next compilation: packs of runtimes, which all apps share, and packs
//! of single apps.
//!
//! A pack is machine code that becomes part of other artefacts, so who may fill one matters. A shared one is made of bytes
//! that we know (`guesthouse_component::runtime`), by a child that was given nothing else; an app's own is made by the children
//! that compiled its revisions, and no other app's is compiled from it. Children cannot write to either: each has a folder
//! for what it makes, and from there the host takes it (`host/src/commands/confine.rs`).

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use guesthouse_types::private;

use crate::state_dir::checksummed;

/// What the name of a pack ends in.
const PACK: &str = ".functions";

/// Packs that are kept in the folder of shared ones: each runtime of ours has one for each engine that its apps need, and
/// for each version of the compiler.
const SHARED_MAX: usize = 12;

/// The largest pack of one app that is kept. Few apps have so much code.
const OWN_BYTES_MAX: u64 = 64 << 20;

/// No compilation takes so long.
const LEFT: Duration = Duration::from_secs(3600);

/// Packs, in two folders. All calls block.
pub struct Packs {
    shared: PathBuf,
    own: PathBuf,
    /// The checksums that this process has seen of shared packs. A pack with another one later is not used, even if its
    /// checksum on the disk agrees. Held for a look into the map.
    seen: Mutex<HashMap<PathBuf, String>>,
}

impl Packs {
    /// Shared ones in the folder `shared`, and own ones in the folder `own`, which both are ours.
    pub fn open(shared: PathBuf, own: PathBuf) -> io::Result<Packs> {
        for folder in [&shared, &own] {
            private::folder(folder)
                .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", folder.display())))?;
        }
        remove_left_drafts(&shared)?;
        Ok(Packs { shared, own, seen: Mutex::default() })
    }

    /// The shared packs for one kind of artefact.
    pub fn shared(&self, kind: &str) -> Vec<PathBuf> {
        let ending = format!("-{kind}{PACK}");
        let names = fs::read_dir(&self.shared).into_iter().flatten().flatten();
        let paths =
            names.map(|entry| entry.path()).filter(|path| path.as_os_str().to_string_lossy().ends_with(&ending));
        let mut paths: Vec<_> = paths.filter(|path| self.is_sound(path)).collect();
        paths.sort();
        paths
    }

    /// Whether the pack of a runtime is there.
    pub fn has(&self, runtime: &str, kind: &str) -> bool {
        self.is_sound(&self.shared_path(runtime, kind))
    }

    /// The right to make a shared pack, until it is dropped. Another host that shares the folder may have it.
    pub fn claim(&self, runtime: &str, kind: &str) -> io::Result<Option<File>> {
        // Somebody may have removed it.
        private::folder(&self.shared)?;
        let path = self.shared_path(runtime, kind).with_added_extension("lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// A folder, which is not there yet, in which a shared pack can be made.
    pub fn draft(&self, runtime: &str, kind: &str) -> PathBuf {
        private::draft(&self.shared_path(runtime, kind))
    }

    /// Takes over a shared pack. Those that were used least recently make room for it.
    pub fn keep_shared(&self, draft: &Path, runtime: &str, kind: &str) -> io::Result<()> {
        let path = self.shared_path(runtime, kind);
        let sum = checksummed::adopt(draft, &path)?;
        self.lock().insert(path, sum);
        self.thin_out()
    }

    /// The pack of an app's earlier revisions.
    pub fn own(&self, app: &AppName, kind: &str) -> Option<PathBuf> {
        let path = self.own_path(app, kind);
        match checksummed::check(&path) {
            Ok(_) => Some(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                drop_pack(&path, &error.to_string());
                None
            }
        }
    }

    /// Takes over the pack for an app's next revision.
    pub fn keep_own(&self, draft: &Path, app: &AppName, kind: &str) -> io::Result<()> {
        let path = self.own_path(app, kind);
        if fs::metadata(draft)?.len() > OWN_BYTES_MAX {
            return checksummed::clear(&path);
        }
        checksummed::adopt(draft, &path).map(|_| ())
    }

    fn is_sound(&self, path: &Path) -> bool {
        let why = match checksummed::check(path) {
            Ok(sum) => match self.lock().entry(path.to_owned()).or_insert_with(|| sum.clone()) {
                seen if *seen == sum => return true,
                _ => "it is not the one that was made".to_owned(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound || checksummed::is_shortage(&error) => return false,
            Err(error) => error.to_string(),
        };
        drop_pack(path, &why);
        false
    }

    fn thin_out(&self) -> io::Result<()> {
        let mut packs = Vec::new();
        for entry in fs::read_dir(&self.shared)?.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == &PACK[1..]) {
                packs.push((entry.metadata()?.modified().unwrap_or(SystemTime::UNIX_EPOCH), path));
            }
        }
        packs.sort();
        let spare = packs.len().saturating_sub(SHARED_MAX);
        packs.iter().take(spare).try_for_each(|(_, path)| checksummed::clear(path))
    }

    fn shared_path(&self, runtime: &str, kind: &str) -> PathBuf {
        self.shared.join(format!("{runtime}-{kind}{PACK}"))
    }

    fn own_path(&self, app: &AppName, kind: &str) -> PathBuf {
        // A name may be longer than that of a file.
        self.own.join(format!("{}-{kind}{PACK}", Digest::of(app.as_str().as_bytes())))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes what a host left that was killed. Another one that shares the folder may be at work on the rest.
fn remove_left_drafts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        if entry.path().extension().is_some_and(|ending| ending == "draft") && age.is_some_and(|age| age > LEFT) {
            private::clear(&entry.path())?;
        }
    }
    Ok(())
}

fn drop_pack(path: &Path, why: &str) {
    let shown = path.display();
    tracing::warn!(
        target: "guesthouse::compile",
        path = %shown,
        "the compiled functions in `{shown}` are not used: {why}; they are compiled again"
    );
    let _ = checksummed::clear(path);
}

#[cfg(test)]
mod tests {
    use guesthouse_types::private::Durable;

    use super::*;

    fn packs() -> (tempfile::TempDir, Packs) {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::open(folder.path().join("shared"), folder.path().join("own")).unwrap();
        (folder, packs)
    }

    fn app(name: &str) -> AppName {
        AppName::parse(name).unwrap()
    }

    fn draft(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join("draft");
        private::write(&path, bytes, Durable::No).unwrap();
        path
    }

    #[test]
    fn a_pack_is_for_its_kind_and_its_app() {
        let (folder, packs) = packs();
        packs.keep_shared(&draft(&folder, b"python"), "aa", "large-1").unwrap();
        assert!(packs.has("aa", "large-1") && !packs.has("aa", "large-2") && !packs.has("bb", "large-1"));
        assert_eq!((packs.shared("large-1").len(), packs.shared("large-2").len()), (1, 0));

        let (shop, till) = (app("shop"), app("till"));
        packs.keep_own(&draft(&folder, b"shop"), &shop, "large-1").unwrap();
        assert!(packs.own(&shop, "large-1").is_some());
        assert_eq!((packs.own(&till, "large-1"), packs.own(&shop, "large-2")), (None, None));
        assert_eq!(packs.shared("large-1").len(), 1);
    }

    #[test]
    fn a_pack_that_somebody_changed_has_no_effect_whatever_its_checksum_says() {
        let (folder, packs) = packs();
        packs.keep_shared(&draft(&folder, b"python"), "aa", "large-1").unwrap();
        let path = packs.shared("large-1").remove(0);
        // Another process, with the same rights as ours, writes a pack of its own and what belongs to it.
        checksummed::adopt(&draft(&folder, b"poison"), &path).unwrap();
        assert!(checksummed::check(&path).is_ok());
        assert_eq!(packs.shared("large-1"), Vec::<PathBuf>::new());
        assert!(!path.exists());
        // Once more.
        checksummed::adopt(&draft(&folder, b"poison"), &path).unwrap();
        assert!(!packs.has("aa", "large-1"));
        // What is made anew is used again.
        packs.keep_shared(&draft(&folder, b"python"), "aa", "large-1").unwrap();
        assert!(packs.has("aa", "large-1"));
        fs::write(&path, b"damage").unwrap();
        assert!(!packs.has("aa", "large-1"));
    }

    #[test]
    fn one_host_of_those_that_share_the_folder_makes_a_pack() {
        let (folder, packs) = packs();
        let other = Packs::open(folder.path().join("shared"), folder.path().join("other")).unwrap();
        let claim = packs.claim("aa", "large-1").unwrap();
        assert!(claim.is_some());
        assert!(other.claim("aa", "large-1").unwrap().is_none() && other.claim("bb", "large-1").unwrap().is_some());
        drop(claim);
        assert!(other.claim("aa", "large-1").unwrap().is_some());
        assert_eq!(packs.shared("large-1"), Vec::<PathBuf>::new());
    }

    #[test]
    fn shared_packs_are_few_and_an_apps_own_is_not_large() {
        let (folder, packs) = packs();
        for number in 0..20 {
            packs.keep_shared(&draft(&folder, b"python"), &format!("{number:02}"), "large-1").unwrap();
        }
        assert_eq!(packs.shared("large-1").len(), SHARED_MAX);
        let shop = app("shop");
        packs.keep_own(&draft(&folder, b"shop"), &shop, "large-1").unwrap();
        let large = draft(&folder, b"shop");
        fs::OpenOptions::new().write(true).open(&large).unwrap().set_len(OWN_BYTES_MAX + 1).unwrap();
        packs.keep_own(&large, &shop, "large-1").unwrap();
        assert_eq!(packs.own(&shop, "large-1"), None);
    }
}

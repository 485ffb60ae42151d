//! The private store: every content by its digest, and what it was compiled to.
//!
//! Nothing in here is believed for its name: content is hashed when it is read, and whatever does not fit is dropped, to
//! be made again.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;
use guesthouse_types::private;

use crate::state_dir::checksummed;
use crate::state_dir::unwritable::unwritable;

/// What was stored less than this ago may be on its way to be used.
const FRESH: Duration = Duration::from_secs(60);

/// With less room than this on the file system, nothing spare is kept: it is room for what is needed.
const ROOM_MIN: u64 = 64 << 20;

/// The folders `store` and `cache` of the state directory. All calls block.
#[derive(Clone, Debug)]
pub struct Store {
    state: PathBuf,
    contents: PathBuf,
    cache: PathBuf,
}

/// What must not be removed.
#[derive(Clone, Debug, Default)]
pub struct Retained {
    /// Code that is live, in standby, or the newest.
    pub code: HashSet<Digest>,
    /// Manifests of the same.
    pub manifests: HashSet<Digest>,
    /// The kinds of artefact that this host loads: older ones for the same engines need not be kept.
    pub kinds: Vec<String>,
}

/// Which contents this process has brought to the disk, with the inodes that they had: a start with a thousand apps
/// would otherwise sync each of them again with every app that goes live.
#[derive(Default)]
pub struct Synced(HashMap<Digest, u64>);

impl Store {
    /// Makes the two folders in `state`, which must be ours.
    pub fn open(state: &Path) -> io::Result<Store> {
        let store = Store { state: state.to_owned(), contents: state.join("store"), cache: state.join("cache") };
        for folder in [&store.contents, &store.cache] {
            private::folder(folder)
                .and_then(|()| private::remove_drafts(folder))
                .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", folder.display())))?;
        }
        // Journal and status are written there, and an earlier host may have been killed meanwhile.
        private::remove_drafts(state)?;
        Ok(store)
    }

    /// What the operator is told when something cannot be kept in here.
    pub fn unwritable(&self, error: &io::Error) -> String {
        unwritable(&self.state, error)
    }

    /// Where a component is.
    pub fn code_path(&self, digest: Digest) -> PathBuf {
        self.contents.join(format!("{digest}.wasm"))
    }

    /// A component, if it is there and undamaged.
    pub fn code(&self, digest: Digest) -> Option<Vec<u8>> {
        content(&self.code_path(digest), digest)
    }

    /// Keeps a component.
    pub fn put_code(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        put(&self.code_path(digest), bytes)
    }

    /// A manifest, if it is there and undamaged.
    pub fn manifest(&self, digest: Digest) -> Option<Vec<u8>> {
        content(&self.manifest_path(digest), digest)
    }

    /// Keeps a manifest.
    pub fn put_manifest(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        put(&self.manifest_path(digest), bytes)
    }

    /// Whether a revision's files are there. Not whether they are sound: that is seen when they are read.
    pub fn holds(&self, revision: Revision) -> bool {
        self.code_path(revision.code).exists()
            && revision.manifest.is_none_or(|digest| self.manifest_path(digest).exists())
    }

    fn manifest_path(&self, digest: Digest) -> PathBuf {
        self.contents.join(format!("{digest}.toml"))
    }

    /// What `digest` was compiled to for `kind`, if it is there and undamaged.
    pub fn artefact(&self, digest: Digest, kind: &str) -> Option<PathBuf> {
        let path = self.artefact_path(digest, kind);
        let why = match checksummed::check(&path) {
            Ok(_) => return Some(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => {
                // Somebody may have emptied the cache. If it cannot be made again, whoever writes to it says so.
                let _ = private::folder(&self.cache);
                return None;
            }
            // It tells nothing about the file.
            Err(error) if checksummed::is_shortage(&error) => return None,
            Err(error) => error,
        };
        let shown = path.display();
        tracing::warn!(
            target: "guesthouse::deploy",
            path = %shown,
            "the compiled artefact `{shown}` is not loaded: {why}; it is made again"
        );
        self.drop_artefact(digest, kind);
        None
    }

    /// A folder, which is not there yet, in which `digest` can be compiled; [`adopt`](Store::adopt) takes over what was made.
    pub fn artefact_draft(&self, digest: Digest, kind: &str) -> PathBuf {
        private::draft(&self.artefact_path(digest, kind))
    }

    /// Takes over what was compiled to `draft`.
    pub fn adopt(&self, draft: &Path, digest: Digest, kind: &str) -> io::Result<PathBuf> {
        let path = self.artefact_path(digest, kind);
        checksummed::adopt(draft, &path)?;
        Ok(path)
    }

    /// Forgets what cannot be used. A mapping of it stays valid.
    pub fn drop_artefact(&self, digest: Digest, kind: &str) {
        // If it cannot be removed, putting another in its place fails as well, and says so.
        let _ = checksummed::clear(&self.artefact_path(digest, kind));
    }

    fn artefact_path(&self, digest: Digest, kind: &str) -> PathBuf {
        self.cache.join(format!("{digest}-{kind}.cwasm"))
    }

    /// Brings the files of these revisions to the disk, so that the last good ones survive a power failure. Those that
    /// `synced` knows are there already; what got lost is put back when its file in the apps folder is read again.
    pub fn sync(&self, revisions: &[Revision], synced: &mut Synced) -> io::Result<()> {
        let (mut now, mut is_news) = (HashMap::new(), false);
        for revision in revisions {
            let manifest = revision.manifest.map(|digest| (digest, self.manifest_path(digest)));
            for (digest, path) in [Some((revision.code, self.code_path(revision.code))), manifest].into_iter().flatten()
            {
                let inode = match fs::symlink_metadata(&path) {
                    Ok(metadata) => metadata.ino(),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
                if synced.0.get(&digest) != Some(&inode) {
                    match File::open(&path).and_then(|file| file.sync_all()) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                        done => done?,
                    }
                    is_news = true;
                }
                now.insert(digest, inode);
            }
        }
        if is_news {
            match File::open(&self.contents).and_then(|folder| folder.sync_all()) {
                // It was removed at this very moment: nothing in it is known to be on the disk.
                Err(error) if error.kind() == io::ErrorKind::NotFound => now.clear(),
                done => done?,
            }
        }
        synced.0 = now;
        Ok(())
    }

    /// Removes what was not used for longest, until what need not be kept takes at most `bytes_max`; all of it when the
    /// file system is nearly full. What cannot be removed does not keep the rest.
    pub fn collect(&self, keep: &Retained, bytes_max: u64) -> io::Result<()> {
        // An artefact and its checksum are one: they are used together, and neither is of use alone.
        let mut spare: BTreeMap<PathBuf, (SystemTime, u64)> = BTreeMap::new();
        for folder in [&self.contents, &self.cache] {
            let entries = match fs::read_dir(folder) {
                // Somebody removed it while we run: it is made anew when it is needed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if !keep.holds(&name)
                    && let Ok(metadata) = entry.metadata()
                {
                    let path = entry.path();
                    let whole = if name.ends_with(checksummed::SUM) { path.with_extension("") } else { path };
                    let (used, bytes) = spare.entry(whole).or_insert((SystemTime::UNIX_EPOCH, 0));
                    *used = metadata.modified()?.max(*used);
                    *bytes += metadata.len();
                }
            }
        }
        let mut spare: Vec<_> = spare.into_iter().map(|(path, (used, bytes))| (used, bytes, path)).collect();
        spare.sort();
        let bytes_max = if room(&self.state).is_some_and(|room| room < ROOM_MIN) { 0 } else { bytes_max };
        let mut bytes: u64 = spare.iter().map(|(_, bytes, _)| bytes).sum();
        let mut trouble = Ok(());
        for (used, size, path) in spare {
            let age = SystemTime::now().duration_since(used).unwrap_or(Duration::ZERO);
            if bytes <= bytes_max || age < FRESH {
                break;
            }
            // Perhaps it was used since the folder was read, and is just about to be compiled or loaded.
            if fs::symlink_metadata(&path).and_then(|now| now.modified()).is_ok_and(|now| now > used) {
                continue;
            }
            match checksummed::clear(&path) {
                Ok(()) => bytes -= size,
                Err(error) => trouble = Err(error),
            }
        }
        trouble
    }
}

/// How many bytes are left for us on a file system.
fn room(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

impl Retained {
    /// Keeps these as well.
    pub fn add(&mut self, revisions: impl Iterator<Item = Revision>) {
        for revision in revisions {
            self.code.insert(revision.code);
            self.manifests.extend(revision.manifest);
        }
    }

    fn holds(&self, file: &str) -> bool {
        let Some((digest, rest)) = file.split_at_checked(64) else { return false };
        let Some(digest) = Digest::parse(digest) else { return false };
        match rest {
            ".wasm" => self.code.contains(&digest),
            ".toml" => self.manifests.contains(&digest),
            _ => {
                let kind = rest.trim_end_matches(checksummed::SUM).trim_end_matches(".cwasm").trim_start_matches('-');
                self.code.contains(&digest) && !self.kinds.iter().any(|known| supersedes(known, kind))
            }
        }
    }
}

/// Whether `kind` is for the same engine as `known`, as an earlier host or another processor made it.
fn supersedes(known: &str, kind: &str) -> bool {
    let engine = |kind: &str| kind.rsplit_once('-').map(|(engine, _)| engine.to_owned());
    known != kind && engine(known) == engine(kind)
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match private::open(path).and_then(|file| Ok((has(&file, bytes)?, file))) {
        Ok((true, file)) => {
            checksummed::touch(&file);
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if checksummed::is_shortage(&error) => return Err(error),
        Ok((false, _)) => say_replaced(path, "its bytes are not those of its name"),
        Err(error) => say_replaced(path, &error.to_string()),
    }
    checksummed::replace(path, bytes)
}

fn say_replaced(path: &Path, why: &str) {
    tracing::warn!(
        target: "guesthouse::deploy",
        path = %path.display(),
        "the stored content `{}` is not used: {why}; it is stored again",
        path.display()
    );
}

/// Whether a file holds exactly `bytes`. They are compared, for it is compiled from under its name.
fn has(mut file: &File, bytes: &[u8]) -> io::Result<bool> {
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut piece = vec![0; 256 << 10];
    for expected in bytes.chunks(piece.len()) {
        let found = &mut piece[..expected.len()];
        match file.read_exact(found) {
            Ok(()) if found == expected => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn content(path: &Path, digest: Digest) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = private::open(path).ok()?;
    file.read_to_end(&mut bytes).ok()?;
    if Digest::of(&bytes) == digest {
        checksummed::touch(&file);
        return Some(bytes);
    }
    let shown = path.display();
    tracing::warn!(
        target: "guesthouse::deploy",
        path = %shown,
        "the stored content `{shown}` is damaged: it is dropped"
    );
    let _ = fs::remove_file(path);
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::symlink;

    use guesthouse_types::private::Durable;

    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let state = tempfile::tempdir().unwrap();
        let store = Store::open(state.path()).unwrap();
        (state, store)
    }

    fn artefact(store: &Store, digest: Digest, bytes: &[u8]) -> PathBuf {
        let draft = store.artefact_draft(digest, "plain-1");
        private::write(&draft, bytes, Durable::No).unwrap();
        store.adopt(&draft, digest, "plain-1").unwrap()
    }

    #[test]
    fn content_is_kept_by_its_digest_and_damage_is_noticed() {
        let (_state, store) = store();
        let digest = Digest::of(b"code");
        assert_eq!(store.code(digest), None);
        store.put_code(digest, b"code").unwrap();
        assert_eq!(store.code(digest).unwrap(), b"code");
        fs::write(store.code_path(digest), b"evil").unwrap();
        assert_eq!(store.code(digest), None);
        assert!(!store.code_path(digest).exists());
    }

    #[test]
    fn an_artefact_that_is_odd_is_dropped() {
        let (state, store) = store();
        let digest = Digest::of(b"code");
        let path = artefact(&store, digest, b"machine code");
        assert_eq!(store.artefact(digest, "plain-1"), Some(path.clone()));
        assert_eq!(store.artefact(digest, "plain-2"), None);

        fs::write(&path, b"other code").unwrap();
        assert_eq!(store.artefact(digest, "plain-1"), None);
        assert!(!path.exists());

        let path = artefact(&store, digest, b"machine code");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(store.artefact(digest, "plain-1"), None);

        let path = artefact(&store, digest, b"machine code");
        fs::remove_file(checksummed::sum_path(&path)).unwrap();
        assert_eq!(store.artefact(digest, "plain-1"), None);

        let path = artefact(&store, digest, b"machine code");
        fs::rename(&path, state.path().join("elsewhere")).unwrap();
        symlink("../elsewhere", &path).unwrap();
        assert_eq!(store.artefact(digest, "plain-1"), None);
        assert!(state.path().join("elsewhere").exists(), "what a link leads to is not ours to remove");

        // A folder is no obstacle to what belongs there.
        fs::create_dir_all(path.join("in/it")).unwrap();
        fs::create_dir_all(checksummed::sum_path(&path).join("in/it")).unwrap();
        assert_eq!(store.artefact(digest, "plain-1"), None);
        let path = artefact(&store, digest, b"machine code");
        assert_eq!(store.artefact(digest, "plain-1"), Some(path));
    }

    #[test]
    fn what_is_not_what_it_should_be_is_stored_again() {
        let (_state, store) = store();
        let digest = Digest::of(b"code");
        let path = store.code_path(digest);
        store.put_code(digest, b"code").unwrap();
        fs::write(&path, b"evil").unwrap();
        store.put_code(digest, b"code").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"code");
        private::clear(&path).unwrap();
        fs::create_dir_all(path.join("in/it")).unwrap();
        store.put_code(digest, b"code").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"code");
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        store.put_code(digest, b"code").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"code");
        store.collect(&Retained::default(), 0).unwrap();
        assert!(path.exists(), "it is fresh");
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let (_state, store) = store();
        let digests: Vec<Digest> = (0..4_u8).map(|at| Digest::of(&[at; 100])).collect();
        for (at, digest) in digests.iter().enumerate() {
            store.put_code(*digest, &[at as u8; 100]).unwrap();
            let used = SystemTime::now() - Duration::from_secs(1000 - at as u64);
            File::options().write(true).open(store.code_path(*digest)).unwrap().set_modified(used).unwrap();
        }
        let keep = Retained { code: HashSet::from([digests[0]]), ..Retained::default() };
        store.collect(&keep, 150).unwrap();
        let left: Vec<bool> = digests.iter().map(|digest| store.code_path(*digest).exists()).collect();
        assert_eq!(left, [true, false, false, true]);
    }

    #[test]
    fn an_artefact_in_use_keeps_its_checksum() {
        let (_state, store) = store();
        let paths: Vec<PathBuf> = (0..3_u8)
            .map(|at| {
                let digest = Digest::of(&[at]);
                let path = artefact(&store, digest, &[at; 100]);
                let used = SystemTime::now() - Duration::from_secs(1000 - u64::from(at));
                for file in [path.clone(), checksummed::sum_path(&path)] {
                    File::options().write(true).open(file).unwrap().set_modified(used).unwrap();
                }
                path
            })
            .collect();
        // The oldest is used, which shows at the artefact alone.
        assert_eq!(store.artefact(Digest::of(&[0]), "plain-1").as_ref(), Some(&paths[0]));
        store.collect(&Retained::default(), 200).unwrap();
        let left: Vec<_> = paths.iter().map(|path| (path.exists(), checksummed::sum_path(path).exists())).collect();
        assert_eq!(left, [(true, true), (false, false), (false, false)]);
    }

    #[test]
    fn a_store_that_others_can_enter_is_closed() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("cache")).unwrap();
        fs::set_permissions(state.path().join("cache"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(state.path().join("cache/x.1-2.draft"), "").unwrap();
        fs::write(state.path().join("state.json.1-2.draft"), "").unwrap();
        Store::open(state.path()).unwrap();
        let mode = fs::metadata(state.path().join("cache")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(!state.path().join("cache/x.1-2.draft").exists());
        assert!(!state.path().join("state.json.1-2.draft").exists());
        fs::set_permissions(state.path().join("store"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Store::open(state.path()).is_err());
    }
}

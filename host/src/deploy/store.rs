//! The private store: every content by its digest, and what it was compiled to.
//!
//! Nothing in here is believed for its name: content is hashed when it is read, and whatever does not fit is dropped, to
//! be made again.

use std::collections::HashSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use sha2::Digest as _;
use sha2::Sha256;

use crate::deploy::private;
use crate::deploy::private::Durable;
use crate::name::Digest;

/// What was stored less than this ago may be on its way to be used.
const FRESH: Duration = Duration::from_secs(60);

/// The folders `store` and `cache` of the state directory. All calls block.
#[derive(Clone, Debug)]
pub struct Store {
    contents: PathBuf,
    cache: PathBuf,
}

/// What must not be removed.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Code that is live, in standby, or the newest.
    pub code: HashSet<Digest>,
    /// Manifests of the same.
    pub manifests: HashSet<Digest>,
    /// The kinds of artefact that this host loads: older ones for the same engines need not be kept.
    pub kinds: Vec<String>,
}

impl Store {
    /// Makes the two folders in `state`, which must be ours.
    pub fn open(state: &Path) -> io::Result<Store> {
        let store = Store { contents: state.join("store"), cache: state.join("cache") };
        for folder in [&store.contents, &store.cache] {
            private::folder(folder)
                .and_then(|()| private::remove_drafts(folder))
                .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", folder.display())))?;
        }
        Ok(store)
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

    fn manifest_path(&self, digest: Digest) -> PathBuf {
        self.contents.join(format!("{digest}.toml"))
    }

    /// What `digest` was compiled to for `kind`, if it is there and undamaged.
    pub fn artefact(&self, digest: Digest, kind: &str) -> Option<PathBuf> {
        let path = self.artefact_path(digest, kind);
        if !path.exists() {
            return None;
        }
        let is_sound = || -> io::Result<bool> {
            let mut file = private::open(&path)?;
            let sum = fs::read_to_string(sum_path(&path))?;
            private::open(&sum_path(&path))?;
            let is_sound = sum == checksum(&mut file)?;
            touch(&file);
            Ok(is_sound)
        };
        if matches!(is_sound(), Ok(true)) {
            return Some(path);
        }
        tracing::warn!(path = %path.display(), "a compiled artefact is damaged: it is dropped and made again");
        self.drop_artefact(digest, kind);
        None
    }

    /// A path to which `digest` can be compiled; [`adopt`](Store::adopt) takes it over.
    pub fn artefact_draft(&self, digest: Digest, kind: &str) -> PathBuf {
        private::draft(&self.artefact_path(digest, kind))
    }

    /// Takes over what was compiled to `draft`.
    pub fn adopt(&self, draft: &Path, digest: Digest, kind: &str) -> io::Result<PathBuf> {
        let path = self.artefact_path(digest, kind);
        let sum = checksum(&mut private::open(draft)?)?;
        private::write(&sum_path(&path), sum.as_bytes(), Durable::No)?;
        fs::rename(draft, &path)?;
        Ok(path)
    }

    /// Forgets what cannot be used. A mapping of it stays valid.
    pub fn drop_artefact(&self, digest: Digest, kind: &str) {
        let path = self.artefact_path(digest, kind);
        // Both may be missing already.
        let _ = fs::remove_file(&path);
        let _ = fs::remove_file(sum_path(&path));
    }

    fn artefact_path(&self, digest: Digest, kind: &str) -> PathBuf {
        self.cache.join(format!("{digest}-{kind}.cwasm"))
    }

    /// Brings a revision's files to the disk, so that the last good revision survives a power failure.
    pub fn sync(&self, code: Digest, manifest: Option<Digest>) -> io::Result<()> {
        File::open(self.code_path(code))?.sync_all()?;
        if let Some(manifest) = manifest {
            File::open(self.manifest_path(manifest))?.sync_all()?;
        }
        File::open(&self.contents)?.sync_all()
    }

    /// Removes what was not used for longest, until what need not be kept takes at most `bytes_max`.
    pub fn collect(&self, keep: &Keep, bytes_max: u64) -> io::Result<()> {
        let mut spare = Vec::new();
        for folder in [&self.contents, &self.cache] {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if !keep.holds(&entry.file_name().to_string_lossy())
                    && let Ok(metadata) = entry.metadata()
                {
                    spare.push((metadata.modified()?, metadata.len(), entry.path()));
                }
            }
        }
        spare.sort();
        let mut bytes: u64 = spare.iter().map(|(_, bytes, _)| bytes).sum();
        for (used, size, path) in spare {
            let age = SystemTime::now().duration_since(used).unwrap_or(Duration::ZERO);
            if bytes <= bytes_max || age < FRESH {
                break;
            }
            fs::remove_file(&path)?;
            bytes -= size;
        }
        Ok(())
    }
}

impl Keep {
    fn holds(&self, file: &str) -> bool {
        let Some((digest, rest)) = file.split_at_checked(64) else { return false };
        let Some(digest) = Digest::parse(digest) else { return false };
        match rest {
            ".wasm" => self.code.contains(&digest),
            ".toml" => self.manifests.contains(&digest),
            _ => {
                let kind = rest.trim_end_matches(".sum").trim_end_matches(".cwasm").trim_start_matches('-');
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
    match private::open(path).and_then(|file| Ok((file.metadata()?.len(), file))) {
        // The same length under the same digest: it is hashed before it is used.
        Ok((length, file)) if length == bytes.len() as u64 => {
            touch(&file);
            Ok(())
        }
        _ => private::write(path, bytes, Durable::No),
    }
}

fn content(path: &Path, digest: Digest) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = private::open(path).ok()?;
    file.read_to_end(&mut bytes).ok()?;
    if Digest::of(&bytes) == digest {
        touch(&file);
        return Some(bytes);
    }
    tracing::warn!(path = %path.display(), "a stored content is damaged: it is dropped");
    let _ = fs::remove_file(path);
    None
}

/// Marks a file as used now. Failing only makes it look older than it is.
fn touch(file: &File) {
    let _ = file.set_modified(SystemTime::now());
}

fn sum_path(artefact: &Path) -> PathBuf {
    let mut name = artefact.as_os_str().to_owned();
    name.push(".sum");
    PathBuf::from(name)
}

fn checksum(file: &mut File) -> io::Result<String> {
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => hash.update(&piece[..length]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

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
        let (_state, store) = store();
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
        fs::remove_file(sum_path(&path)).unwrap();
        assert_eq!(store.artefact(digest, "plain-1"), None);
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
        let keep = Keep { code: HashSet::from([digests[0]]), ..Keep::default() };
        store.collect(&keep, 150).unwrap();
        let left: Vec<bool> = digests.iter().map(|digest| store.code_path(*digest).exists()).collect();
        assert_eq!(left, [true, false, false, true]);
    }

    #[test]
    fn a_store_that_others_can_enter_is_closed() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("cache")).unwrap();
        fs::set_permissions(state.path().join("cache"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(state.path().join("cache/x.1-2.draft"), "").unwrap();
        Store::open(state.path()).unwrap();
        let mode = fs::metadata(state.path().join("cache")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(!state.path().join("cache/x.1-2.draft").exists());
        fs::set_permissions(state.path().join("store"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Store::open(state.path()).is_err());
    }
}

//! From a file in the apps folder to content in the store: read once, whole, and known by its digest.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;

use guesthouse_component::compose::is_middleware;
use guesthouse_component::inspect::InspectError;
use guesthouse_component::inspect::Inspection;
use guesthouse_component::inspect::inspect;
use guesthouse_manifest::asked::Manifest;
use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;
use guesthouse_types::units::Size;
use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;

use crate::load::middleware::Middleware;
use crate::load::middleware::join;
use crate::load::middleware::recipe;
use crate::manifest_guard::Guard;
use crate::reason::Failure;
use crate::reason::ReasonCode;
use crate::state_dir::store::Store;
use crate::watch::scan::FileStamp;
use crate::watch::scan::FoundFile;
use crate::watch::scan::SiblingFile;

/// A manifest is written by hand.
const MANIFEST_BYTES_MAX: u64 = 256 << 10;

/// What is to be read.
#[derive(Clone, Debug)]
pub struct LoadRequest {
    /// The component.
    pub code: FoundFile,
    /// The manifest beside it.
    pub manifest: Option<FoundFile>,
    /// What stands before it, the outermost first, as the manifest was known to name it.
    pub before: Vec<SiblingFile>,
    /// Revisions about which everything is known: they need not be looked into.
    pub known: Vec<Revision>,
    /// The largest component that is read, in bytes.
    pub bytes_max: u64,
}

/// What was read.
#[derive(Debug)]
pub enum Loaded {
    /// It was written to meanwhile: it has to settle again.
    Changed,
    /// Its manifest names other files to stand before it than were ordered: these.
    Before(Vec<String>),
    /// It can be no app, or not yet.
    Failed {
        /// Under which digests a refusal is remembered; `None` if it was not read at all.
        revision: Option<Revision>,
        /// Why.
        failure: Failure,
    },
    /// It is in the store, or was known before.
    Content {
        /// What it is.
        revision: Revision,
        /// Its outline, unless it was known before.
        inspection: Option<Box<Inspection>>,
    },
}

impl Loaded {
    /// Whether it could not be kept: the disk is full, say.
    pub fn is_trouble(&self) -> bool {
        let Loaded::Failed { failure: Failure::Retry(reason), .. } = self else { return false };
        reason.code == ReasonCode::Store
    }
}

/// What came of reading an app's files.
#[derive(Debug)]
pub struct LoadResult {
    /// What was read.
    pub loaded: Loaded,
    /// What its manifest keeps back, if that was read, whatever became of the rest.
    pub guard: Option<Guard>,
}

/// Reads what `request` names. Blocks.
pub fn load(request: &LoadRequest, store: &Store) -> LoadResult {
    // The manifest first: what it keeps back is known even if the component is not to be had.
    let manifest = request.manifest.as_ref().map(read_manifest).transpose();
    let guard = manifest.as_ref().ok().and_then(Option::as_ref).map(|written| match &written.asked {
        Ok(asked) => Guard::of(asked),
        Err(_) => Guard::Unread,
    });
    let loaded = match take(request, manifest, store) {
        Ok(loaded) => loaded,
        Err(Loaded::Failed { revision, failure }) => Loaded::Failed { revision, failure: failure.readable() },
        Err(other) => other,
    };
    LoadResult { loaded, guard }
}

/// A manifest as it was read.
struct ReadManifest<'a> {
    found_file: &'a FoundFile,
    bytes: Vec<u8>,
    asked: Result<Manifest, String>,
}

fn read_manifest(found_file: &FoundFile) -> Result<ReadManifest<'_>, Loaded> {
    let bytes = read_whole(found_file, MANIFEST_BYTES_MAX)?;
    let asked = Manifest::parse(&found_file.shown, &bytes);
    Ok(ReadManifest { found_file, bytes, asked })
}

fn take(
    request: &LoadRequest,
    manifest: Result<Option<ReadManifest<'_>>, Loaded>,
    store: &Store,
) -> Result<Loaded, Loaded> {
    let code = read_whole(&request.code, request.bytes_max)?;
    let manifest = manifest?;
    if code.is_empty() {
        return Err(incomplete("the file is empty; waiting for its content (is a build or a copy still going on?)"));
    }
    let manifest_digest = manifest.as_ref().map(|written| Digest::of(&written.bytes));
    let manifest_bytes = manifest.as_ref().map(|written| written.bytes.as_slice());
    let alone = Revision { code: Digest::of(&code), manifest: manifest_digest };
    unless_known(request, alone, || restore(store, alone, &code, manifest_bytes))?;
    let mut before = Vec::new();
    if let Some(ReadManifest { found_file, asked, .. }) = &manifest {
        let asked = asked.as_ref().map_err(|why| refused(alone, ReasonCode::Manifest, why.as_str()))?;
        check_match(&found_file.shown, asked, alone.code)?;
        before = asked.before.clone();
    }
    if !request.before.iter().map(|beside| &beside.name).eq(&before) {
        return Err(Loaded::Before(before));
    }
    let (revision, code) = match request.before.as_slice() {
        [] => (alone, code),
        before => joined(request, before, alone, code)?,
    };
    // Once more for what was joined, which is known under its own digest.
    unless_known(request, revision, || restore(store, revision, &code, manifest_bytes))?;
    let inspection = inspect(&code).map_err(|error| match error {
        InspectError::Truncated { .. } => incomplete(error.to_string()),
        error => refused(revision, ReasonCode::Component, error.to_string()),
    })?;
    if is_middleware(&inspection.imports) {
        return Err(refused(revision, ReasonCode::Middleware, about_middleware(&request.code)));
    }
    keep(store, revision, &code, manifest_bytes)
        .map_err(|error| retry(ReasonCode::Store, format!("it cannot be kept: {}", store.unwritable(&error))))?;
    Ok(Loaded::Content { revision, inspection: Some(Box::new(inspection)) })
}

fn keep(store: &Store, revision: Revision, code: &[u8], manifest: Option<&[u8]>) -> io::Result<()> {
    store.put_code(revision.code, code)?;
    match (revision.manifest, manifest) {
        (Some(digest), Some(bytes)) => store.put_manifest(digest, bytes),
        _ => Ok(()),
    }
}

/// What is known may have been lost from the store since. If it cannot be put back now, it is the next time.
fn restore(store: &Store, revision: Revision, code: &[u8], manifest: Option<&[u8]>) {
    if !store.holds(revision) && inspect(code).is_ok() {
        let _ = keep(store, revision, code, manifest);
    }
}

/// What is known already is not looked into again.
fn unless_known(request: &LoadRequest, revision: Revision, restore: impl FnOnce()) -> Result<(), Loaded> {
    if !request.known.contains(&revision) {
        return Ok(());
    }
    restore();
    Err(Loaded::Content { revision, inspection: None })
}

fn refused(revision: Revision, code: ReasonCode, why: impl Into<String>) -> Loaded {
    Loaded::Failed { revision: Some(revision), failure: Failure::refused(code, why) }
}

/// A refusal of what was not read, which is not remembered.
fn refused_unread(code: ReasonCode, why: impl Into<String>) -> Loaded {
    Loaded::Failed { revision: None, failure: Failure::refused(code, why) }
}

fn retry(code: ReasonCode, why: impl Into<String>) -> Loaded {
    Loaded::Failed { revision: None, failure: Failure::retry(code, why) }
}

fn incomplete(why: impl Into<String>) -> Loaded {
    retry(ReasonCode::Incomplete, why)
}

/// The app and what stands before it, as one component: its digest is the code's, so that a change of any of them is
/// another revision.
fn joined(
    request: &LoadRequest,
    before: &[SiblingFile],
    alone: Revision,
    code: Vec<u8>,
) -> Result<(Revision, Vec<u8>), Loaded> {
    let mut parts = Vec::new();
    for SiblingFile { name, file } in before {
        let found_file = match file {
            Some(Ok(found_file)) => found_file,
            Some(Err(why)) => {
                let why = format!("`{name}`, which stands before it: {why}");
                return Err(refused_unread(ReasonCode::Middleware, why));
            }
            None => {
                let why = format!("waits for `{name}`, which is to stand before it");
                return Err(retry(ReasonCode::Middleware, why));
            }
        };
        let bytes = read_whole(found_file, request.bytes_max)?;
        if bytes.is_empty() {
            return Err(incomplete(format!("`{name}`, which stands before it, is empty: waits for its content")));
        }
        parts.push(Middleware { name: name.clone(), bytes });
    }
    let recipe = Revision { code: recipe(&parts, alone.code), ..alone };
    unless_known(request, recipe, || {})?;
    let whole = join(&parts, code, request.bytes_max).map_err(|failure| {
        let revision = matches!(failure, Failure::Refused(_)).then_some(recipe);
        Loaded::Failed { revision, failure }
    })?;
    Ok((Revision { code: Digest::of(&whole), ..alone }, whole))
}

fn about_middleware(found_file: &FoundFile) -> String {
    let name = found_file.entry.file_name().unwrap_or_default().display();
    format!(
        "a middleware, not an app: it imports `wasi:http/handler@0.3`, which is the app behind it (rename it to \
         `_{name}`, and write `before = [\"_{name}\"]` into the manifest of the app that it is to stand before)"
    )
}

/// A manifest that names its code is the commit point of a drop of two files.
fn check_match(file: &str, manifest: &Manifest, code: Digest) -> Result<(), Loaded> {
    match manifest.code {
        Some(wanted) if wanted != code => Err(incomplete(format!(
            "waits for its code: `{file}` is for {}, the file there is {}",
            wanted.short(),
            code.short()
        ))),
        _ => Ok(()),
    }
}

/// Reads a file that is still what the scan saw, both before and after.
fn read_whole(found_file: &FoundFile, bytes_max: u64) -> Result<Vec<u8>, Loaded> {
    let too_large = |bytes: u64| {
        let (file, most) = (&found_file.shown, Size(bytes_max));
        let why = format!("`{file}` has {bytes} bytes, more than the {most} that are read at most");
        refused_unread(ReasonCode::TooLarge, why)
    };
    if found_file.stamp.size > bytes_max {
        return Err(too_large(found_file.stamp.size));
    }
    let file = open(&found_file.real).map_err(|error| unreadable(found_file, &error))?;
    let stamp = |file: &File| file.metadata().map(|metadata| (metadata.is_file(), FileStamp::of(&metadata)));
    let is_same = |file: &File| matches!(stamp(file), Ok((true, stamp)) if stamp == found_file.stamp);
    if !is_same(&file) {
        return Err(Loaded::Changed);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found_file.stamp.size).unwrap_or(0) + 1);
    (&file).take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| unreadable(found_file, &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(too_large(bytes.len() as u64));
    }
    if !is_same(&file) || bytes.len() as u64 != found_file.stamp.size {
        return Err(Loaded::Changed);
    }
    Ok(bytes)
}

/// Without following a link, and without waiting for the other end of a pipe: what is there may be exchanged at any
/// moment. An old kernel can refuse a link at the end of the path only; what it opens by another is not the file that the
/// scan saw, and is told from it by its mark.
fn open(real: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::openat2(CWD, real, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // An old kernel, or a container that does not let the call through.
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::open(real, flags, Mode::empty()),
        opened => opened,
    };
    Ok(File::from(file?))
}

fn unreadable(found_file: &FoundFile, error: &io::Error) -> Loaded {
    match error.kind() {
        io::ErrorKind::NotFound => Loaded::Changed,
        // The scan saw none: a link was put there since.
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Loaded::Changed,
        io::ErrorKind::PermissionDenied => {
            let why = format!("`{}` cannot be read: {error} (make it readable for the host's user)", found_file.shown);
            refused_unread(ReasonCode::Unreadable, why)
        }
        _ => retry(ReasonCode::Unreadable, format!("`{}` cannot be read: {error}", found_file.shown)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    fn found_file(path: &Path) -> FoundFile {
        let stamp = FileStamp::of(&fs::metadata(path).unwrap());
        let (entry, real) = (PathBuf::from(path), PathBuf::from(path));
        let shown = format!("apps/{}", path.file_name().unwrap().display());
        FoundFile { entry, real, shown, stamp, age: Duration::ZERO }
    }

    fn outcome(code: &FoundFile, manifest: Option<&FoundFile>, bytes_max: u64) -> String {
        let state = tempfile::tempdir().unwrap();
        let store = Store::open(state.path()).unwrap();
        let before = Vec::new();
        let request =
            LoadRequest { code: code.clone(), manifest: manifest.cloned(), before, known: Vec::new(), bytes_max };
        match load(&request, &store).loaded {
            Loaded::Changed => "changed".to_owned(),
            Loaded::Before(names) => format!("before: {}", names.join(" ")),
            Loaded::Failed { failure: Failure::Retry(why), .. } => format!("pending: {why}"),
            Loaded::Failed { revision, failure: Failure::Refused(why) } => {
                format!("refused ({}): {why}", revision.is_some())
            }
            Loaded::Content { .. } => "content".to_owned(),
        }
    }

    #[test]
    fn what_is_known_is_put_back_when_the_store_lost_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let wasm = folder.path().join("shop.wasm");
        let check = |code: &[u8], is_put_back: bool| {
            fs::write(&wasm, code).unwrap();
            let revision = Revision { code: Digest::of(code), manifest: None };
            let request = LoadRequest {
                code: found_file(&wasm),
                manifest: None,
                before: Vec::new(),
                known: vec![revision],
                bytes_max: 1 << 20,
            };
            assert!(matches!(load(&request, &store).loaded, Loaded::Content { inspection: None, .. }));
            assert_eq!(store.code(revision.code).is_some(), is_put_back);
        };
        check(&guesthouse_test_guests::revision(1), true);
        check(b"<!doctype html>", false);
    }

    #[test]
    fn what_cannot_be_taken_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (wasm, toml) = (folder.path().join("shop.wasm"), folder.path().join("shop.toml"));
        fs::write(&wasm, "").unwrap();
        assert_eq!(
            outcome(&found_file(&wasm), None, 9),
            "pending: the file is empty; waiting for its content (is a build or a copy still going on?)"
        );
        fs::write(&wasm, "0123456789").unwrap();
        let large = "refused (false): `apps/shop.wasm` has 10 bytes, more than the 9B that are read at most";
        assert_eq!(outcome(&found_file(&wasm), None, 9), large);

        let before = found_file(&wasm);
        fs::write(&wasm, "01234567").unwrap();
        assert_eq!(outcome(&before, None, 99), "changed");
        fs::write(&toml, "x = 1").unwrap();
        assert_eq!(
            outcome(&found_file(&wasm), Some(&found_file(&toml)), 99),
            "refused (true): apps/shop.toml:1: unknown key `x` (known here: manifest_version, sha256, routes, \
             environment, env_file, limits, instances, before, compress, static, outbound, internal, state, request)"
        );
        fs::write(&toml, format!("sha256 = \"{}\"", Digest::of(b"abc"))).unwrap();
        assert_eq!(
            outcome(&found_file(&wasm), Some(&found_file(&toml)), 99),
            "pending: waits for its code: `apps/shop.toml` is for ba7816bf8f01, the file there is 924592b9b103"
        );
        let gone = found_file(&wasm);
        fs::remove_file(&wasm).unwrap();
        assert_eq!(outcome(&gone, None, 99), "changed");
    }

    #[test]
    fn nothing_is_read_through_a_link_that_came_after_the_scan() {
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        let (seen, far) = (home.join("apps/d"), home.join("far"));
        for folder in [&seen, &far] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("shop.wasm"), "01234567").unwrap();
        }
        let (before, manifest) = (found_file(&seen.join("shop.wasm")), found_file(&far.join("shop.wasm")));
        fs::rename(&seen, home.join("apps/e")).unwrap();
        symlink(&far, &seen).unwrap();
        assert_eq!(outcome(&before, None, 99), "changed");
        // Not even the very file that was seen.
        let through = FoundFile { real: seen.join("shop.wasm"), ..manifest };
        assert_eq!(outcome(&through, None, 99), "changed");
    }
}

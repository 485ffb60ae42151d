//! Files that only we may have written: how they are made, and how they are trusted.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Makes `path` a folder of ours that nobody else can look into, or says why it is not one.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    owned(path)?;
    if fs::metadata(path)?.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Whether `path` is a folder of ours that nobody else can write to. Who may write there can run code as us.
pub fn owned(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("not a folder"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("belongs to another user (uid {})", metadata.uid())));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write to it (chmod go-w)"));
    }
    Ok(())
}

/// Opens a regular file of ours for reading: no link, no foreign owner, not writable by others.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => return Err(io::Error::other("a link")),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("belongs to another user (uid {})", metadata.uid())));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write to it"));
    }
    Ok(file)
}

/// Whether a file is on the disk before it gets its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// It survives a power failure, whole.
    Yes,
    /// It may come back damaged; whoever reads it checks it.
    No,
}

/// Puts `bytes` at `path` in one step: a reader sees the old content or the new one.
pub fn write(path: &Path, bytes: &[u8], durable: Durable) -> io::Result<()> {
    let draft = draft(path);
    let written = write_draft(&draft, bytes, durable).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // What was written so far is of no use, and the disk may be full.
        let _ = fs::remove_file(&draft);
        return written;
    }
    match (durable, path.parent()) {
        (Durable::Yes, Some(folder)) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn write_draft(draft: &Path, bytes: &[u8], durable: Durable) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    if durable == Durable::Yes { file.sync_all() } else { Ok(()) }
}

/// A path beside `path` that nobody else uses. Drafts left behind by a crash are removed when the state is opened.
pub fn draft(path: &Path) -> PathBuf {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{serial}.draft", std::process::id()));
    PathBuf::from(name)
}

/// Removes the drafts of an earlier process. Only right while we hold the lock.
pub fn remove_drafts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.as_os_str().as_encoded_bytes();
        if name.ends_with(b".draft") || name.ends_with(b".draft.tmp") {
            clear(&path)?;
        }
    }
    Ok(())
}

/// Removes whatever stands at `path` in a folder of ours: a file, a link (not what it leads to), a folder with all that is
/// in it, or nothing.
pub fn clear(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

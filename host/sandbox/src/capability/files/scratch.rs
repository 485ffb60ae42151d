//! Folders that live as long as an instance, and how folders that guests have filled are removed.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rustix::fs::AtFlags;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::capability::files::listing::entries;
use crate::capability::files::quota::QuotaDir;

/// An empty folder of one instance's own. Dropping it removes it, with whatever is in it by then.
pub(crate) struct Scratch {
    path: PathBuf,
    quota_dir: Arc<QuotaDir>,
    tasks: TaskTracker,
}

impl Scratch {
    /// Makes a folder below `parent`, which is counted in `quota_dir`. Blocks.
    pub(crate) fn new(parent: &Path, quota_dir: &Arc<QuotaDir>, tasks: &TaskTracker) -> io::Result<Scratch> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let path = parent.join(SERIAL.fetch_add(1, Ordering::Relaxed).to_string());
        // Somebody may have removed the whole state directory.
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(Scratch { path, quota_dir: quota_dir.clone(), tasks: tasks.clone() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (path, quota_dir) = (std::mem::take(&mut self.path), self.quota_dir.clone());
        // Whoever finds no room now waits until there is some.
        quota_dir.has_changed();
        let remove = move || {
            if let Err(error) = remove(&path) {
                let shown = path.display();
                tracing::warn!(
                    target: "guesthouse::sandbox",
                    path = %shown,
                    "cannot remove `{shown}`, which a guest has left: {error}; it goes at the \
                    host's next start"
                );
            }
            quota_dir.has_changed();
        };
        match Handle::try_current() {
            Ok(runtime) => _ = self.tasks.spawn_blocking_on(remove, &runtime),
            Err(_) => remove(),
        }
    }
}

/// How often it is begun anew when something comes into a folder that is being removed: a guest's last write may.
const ATTEMPTS: u32 = 5;

/// Removes a folder and all that is in it. Whatever a guest can make: folders in each other deeper than a path is long,
/// links to anywhere. Blocks.
pub fn remove(path: &Path) -> io::Result<()> {
    let mut result = Ok(());
    for _ in 0..ATTEMPTS {
        match rustix::fs::rmdir(path) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        result = empty(path);
    }
    result.and_then(|()| rustix::fs::rmdir(path).map_err(io::Error::from))
}

/// Empties a folder. Folders in folders are moved up first, so that none ever lies deep.
fn empty(path: &Path) -> io::Result<()> {
    let top = rustix::fs::open(path, FOLDER, Mode::empty())?;
    let mut moved = 0_u64;
    loop {
        let mut is_empty = true;
        for (name, kind) in entries(&top)? {
            is_empty = false;
            match kind {
                FileType::Directory => {
                    // It may have become something else since.
                    let inner = match rustix::fs::openat(&top, &*name, FOLDER, Mode::empty()) {
                        Ok(inner) => inner,
                        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                        Err(error) => return Err(error.into()),
                    };
                    lift(&inner, &top, &mut moved)?;
                    ignoring_gone(rustix::fs::unlinkat(&top, &*name, AtFlags::REMOVEDIR))?;
                }
                _ => ignoring_gone(rustix::fs::unlinkat(&top, &*name, AtFlags::empty()))?,
            }
        }
        if is_empty {
            return Ok(());
        }
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes the files of `inner`, and moves its folders into `top`.
fn lift(inner: &OwnedFd, top: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    for (name, kind) in entries(inner)? {
        if kind != FileType::Directory {
            ignoring_gone(rustix::fs::unlinkat(inner, &*name, AtFlags::empty()))?;
            continue;
        }
        loop {
            *moved += 1;
            let target = format!(".moved-{moved}");
            match rustix::fs::renameat(inner, &*name, top, target.as_str()) {
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                result => {
                    ignoring_gone(result)?;
                    break;
                }
            }
        }
    }
    Ok(())
}

fn ignoring_gone(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_scratch_goes_with_all_that_is_in_it_and_with_nothing_else() {
        let (parent, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("precious"), "kept").unwrap();
        let scratch =
            Scratch::new(parent.path(), &Arc::new(QuotaDir::new(parent.path(), 1 << 20)), &TaskTracker::new()).unwrap();
        let inner = scratch.path().join("a/b/c");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(scratch.path().join(".moved-1")).unwrap();
        fs::write(scratch.path().join(".moved-2"), "in the way").unwrap();
        fs::write(inner.join("file"), "x").unwrap();
        symlink(outside.path(), inner.join("link")).unwrap();
        symlink(outside.path(), scratch.path().join("link")).unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        assert_eq!(fs::read_to_string(outside.path().join("precious")).unwrap(), "kept");
    }
}

//! How much a folder holds, on the disk and in files that are removed but still open.

use std::collections::HashSet;
use std::fs;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What a file system takes at least: for a file of one byte, a folder, a link.
pub(crate) const BLOCK_BYTES: u64 = 4096;

/// Bytes below `folder`, without the folder itself. `None` when not all of it can be seen, as when folders lie in each
/// other deeper than a path is long: then nobody knows. Blocks.
pub(crate) fn measure(folder: &Path) -> Option<u64> {
    let mut bytes: u64 = 0;
    let mut links = HashSet::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in present(fs::read_dir(&next))?.into_iter().flatten() {
            let path = present(entry)?.map(|entry| entry.path());
            let Some(path) = path else { continue };
            let Some(metadata) = present(fs::symlink_metadata(&path))? else { continue };
            let is_known =
                metadata.nlink() > 1 && !metadata.is_dir() && !links.insert((metadata.dev(), metadata.ino()));
            bytes = bytes.saturating_add(if is_known { BLOCK_BYTES } else { size(&metadata) });
            if metadata.is_dir() {
                left.push(path);
            }
        }
    }
    Some(bytes.saturating_add(removed_but_open(folder)))
}

/// What is gone by the time that it is looked at holds nothing.
fn present<T>(looked: io::Result<T>) -> Option<Option<T>> {
    match looked {
        Ok(found) => Some(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(None),
        Err(_) => None,
    }
}

fn size(metadata: &Metadata) -> u64 {
    metadata.blocks().saturating_mul(512).max(BLOCK_BYTES)
}

/// Files of this process whose last name is gone take room until they are closed. The kernel tells where they were.
fn removed_but_open(folder: &Path) -> u64 {
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else {
        return 0;
    };
    let (mut bytes, mut known) = (0_u64, HashSet::new());
    for descriptor in descriptors.flatten().map(|entry| entry.path()) {
        let is_removed = fs::read_link(&descriptor)
            .is_ok_and(|path| path.starts_with(folder) && path.as_os_str().as_bytes().ends_with(b" (deleted)"));
        if is_removed
            && let Ok(metadata) = fs::metadata(&descriptor)
            && metadata.nlink() == 0
            && known.insert((metadata.dev(), metadata.ino()))
        {
            bytes = bytes.saturating_add(size(&metadata));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn everything_counts_links_once_and_what_is_removed_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let at = |name: &str| folder.join(name);
        assert_eq!(measure(&folder), Some(0));
        fs::write(at("a"), vec![1; 3 * 4096]).unwrap();
        fs::hard_link(at("a"), at("b")).unwrap();
        symlink("/etc", at("c")).unwrap();
        let before = measure(&folder).unwrap();
        assert!((5 * 4096..8 * 4096).contains(&before), "{before}");
        let open = File::open(at("a")).unwrap();
        fs::remove_file(at("a")).unwrap();
        fs::remove_file(at("b")).unwrap();
        let removed = measure(&folder).unwrap();
        assert!((4 * 4096..7 * 4096).contains(&removed), "{removed}");
        drop(open);
        assert_eq!(measure(&folder), Some(4096));
    }

    #[test]
    fn what_cannot_be_seen_is_not_guessed() {
        let folder = tempfile::tempdir().unwrap();
        let name = "d".repeat(200);
        let mut at = rustix::fs::open(folder.path(), rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty()).unwrap();
        for _ in 0..30 {
            rustix::fs::mkdirat(&at, &name, rustix::fs::Mode::RWXU).unwrap();
            at = rustix::fs::openat(&at, &name, rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty()).unwrap();
        }
        assert_eq!(measure(folder.path()), None);
        crate::capability::files::scratch::remove(folder.path()).unwrap();
        assert!(!folder.path().exists());
    }
}

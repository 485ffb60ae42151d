//! What was really opened: where it lies is asked of the open file, not of the name by which it was opened.
//!
//! Between a look at a name and the use of it, somebody may have put a link there. So a name is opened first, and what is
//! open is judged: it stays what it is, whatever the name leads to a moment later.

use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Mode;
use rustix::fs::OFlags;

/// A handle by which something can be asked about, and walked on from, but neither read nor written: opening it waits for
/// nobody, and touches no device.
const HANDLE: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Whether a link at the end of a name is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// What is opened is what the link leads to, wherever that is: ask [`whereabouts`].
    Followed,
    /// What is opened is the link.
    Kept,
}

/// A handle on `name` in an open folder, and what it is. Blocks.
pub fn at(folder: impl AsFd, name: &Path, links: Links) -> io::Result<(File, Metadata)> {
    let flags = match links {
        Links::Followed => HANDLE,
        Links::Kept => HANDLE | OFlags::NOFOLLOW,
    };
    let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// A handle on the folder at `path`, all links followed. Blocks.
pub fn folder(path: &Path) -> io::Result<File> {
    Ok(File::from(rustix::fs::open(path, HANDLE | OFlags::DIRECTORY, Mode::empty())?))
}

/// Where it lies, all links followed. Asked of the kernel through `/proc`, which has to be there. Blocks.
pub fn whereabouts(file: impl AsFd) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_open_is_judged_whatever_its_name_leads_to_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        fs::create_dir_all(home.join("in/d")).unwrap();
        fs::write(home.join("secret"), "").unwrap();
        symlink("../secret", home.join("in/x")).unwrap();
        let inside = folder(&home.join("in")).unwrap();

        let (link, metadata) = at(&inside, Path::new("x"), Links::Kept).unwrap();
        assert!(metadata.is_symlink());
        assert_eq!(whereabouts(&link).unwrap(), home.join("in/x"));
        let (file, metadata) = at(&inside, Path::new("x"), Links::Followed).unwrap();
        assert!(metadata.is_file());
        assert_eq!(whereabouts(&file).unwrap(), home.join("secret"));

        let (d, _) = at(&inside, Path::new("d"), Links::Kept).unwrap();
        fs::rename(home.join("in/d"), home.join("in/e")).unwrap();
        symlink("..", home.join("in/d")).unwrap();
        assert_eq!(whereabouts(&d).unwrap(), home.join("in/e"));
    }
}

//! One static folder, and what may be opened in it: nothing that lies above it, whatever a path or a link says.

use std::fs;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;

use crate::opened;

/// How often an opening is tried again that a rename elsewhere disturbed (openat2(2), `EAGAIN`).
const TRIES_MAX: usize = 8;

/// What an app wants served from a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderSettings {
    /// Below the app's mount: empty, or `/static`.
    pub prefix: String,
    /// The file that a folder stands for.
    pub index: Option<String>,
    /// The file for who goes to an address where nothing else is.
    pub fallback: Option<PathBuf>,
    /// How long a visitor may keep a file without asking again.
    pub max_age: Option<Duration>,
    /// Names that are served although they begin with `.` or `_`.
    pub show: Vec<String>,
}

/// A static folder.
pub struct Folder {
    /// What is served from it, and how.
    pub settings: FolderSettings,
    path: PathBuf,
    roots: Vec<PathBuf>,
    /// The real paths of `roots`, as last looked up. Locked for a look and a copy.
    real_roots: Mutex<Vec<PathBuf>>,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not there, or is no folder.
    #[error("{0}")]
    Missing(#[from] io::Error),
    /// It is a link, or lies behind one, that leads where links may not lead.
    #[error("it leads out of the apps folder, to `{}` (allow it with a root)", .0.display())]
    Outside(PathBuf),
}

impl Folder {
    /// The folder at `path`, which may be a link, or lie behind one, as long as it leads to somewhere beneath one of
    /// `roots`.
    pub fn new(path: PathBuf, roots: Vec<PathBuf>, settings: FolderSettings) -> Folder {
        Folder { settings, path, roots, real_roots: Mutex::default() }
    }

    /// Opens the folder as it is now: a link may have been flipped since the last time. Blocks.
    pub fn open(&self) -> Result<Root, FolderError> {
        let root = opened::folder(&self.path)?;
        let real = opened::whereabouts(&root)?;
        if self.is_inside(&real) { Ok(Root(root.into())) } else { Err(FolderError::Outside(real)) }
    }

    fn is_inside(&self, real: &Path) -> bool {
        let known = self.real_roots.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.iter().any(|root| real.starts_with(root)) {
            return true;
        }
        // The apps folder may be a link itself.
        let now: Vec<PathBuf> = self.roots.iter().filter_map(|root| fs::canonicalize(root).ok()).collect();
        let is_inside = now.iter().any(|root| real.starts_with(root));
        *self.real_roots.lock().unwrap_or_else(PoisonError::into_inner) = now;
        is_inside
    }
}

/// An open static folder.
pub struct Root(OwnedFd);

impl Root {
    /// Opens what lies at `path`, relative and of plain names, unless that leads out of the folder. Links within it are
    /// followed. Does not wait for the other end of a pipe. Blocks.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..TRIES_MAX {
            match rustix::fs::openat2(&self.0, path, READ, Mode::empty(), beneath) {
                Ok(file) => return Ok(File::from(file)),
                Err(Errno::AGAIN) => {}
                // An old kernel, or a container that does not let the call through.
                Err(Errno::NOSYS | Errno::PERM) => return self.walk(path),
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// The same, name by name, and without following any link.
    fn walk(&self, path: &Path) -> io::Result<File> {
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => names.push(name),
                _ => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        let (last, folders) = names.split_last().ok_or(io::ErrorKind::NotFound)?;
        let mut folder: Option<OwnedFd> = None;
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for name in folders {
            let from = folder.as_ref().unwrap_or(&self.0).as_fd();
            folder = Some(rustix::fs::openat(from, *name, step, Mode::empty())?);
        }
        let from = folder.as_ref().unwrap_or(&self.0).as_fd();
        Ok(File::from(rustix::fs::openat(from, *last, READ | OFlags::NOFOLLOW, Mode::empty())?))
    }
}

const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// Whether an error says that there is no such file for us, rather than that something is wrong.
pub fn is_absent(error: &io::Error) -> bool {
    let known = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        known,
        Some(
            // `XDEV`: a link that leads out. `NXIO`: a socket.
            Errno::NOENT
                | Errno::NOTDIR
                | Errno::LOOP
                | Errno::XDEV
                | Errno::NAMETOOLONG
                | Errno::ACCESS
                | Errno::PERM
                | Errno::INVAL
                | Errno::NXIO
                | Errno::NODEV
                | Errno::ILSEQ
        )
    ) || error.kind() == io::ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    /// `site` in a folder with a secret beside it, and links of all kinds.
    fn home() -> (tempfile::TempDir, Root) {
        let home = tempfile::tempdir().unwrap();
        let site = home.path().join("site");
        fs::create_dir_all(site.join("sub")).unwrap();
        fs::write(home.path().join("secret"), "secret").unwrap();
        fs::write(site.join("page"), "page").unwrap();
        fs::write(site.join("sub/inner"), "inner").unwrap();
        symlink("../secret", site.join("out")).unwrap();
        symlink(home.path().join("secret"), site.join("absolute")).unwrap();
        symlink(site.join("page"), site.join("home-again")).unwrap();
        symlink("..", site.join("up")).unwrap();
        symlink("../page", site.join("sub/within")).unwrap();
        symlink("loop", site.join("loop")).unwrap();
        symlink("/proc/self/root", site.join("magic")).unwrap();
        let root = Folder::new(site, vec![home.path().to_owned()], FolderSettings::default()).open().unwrap();
        (home, root)
    }

    fn read(file: io::Result<File>) -> Result<String, bool> {
        let mut text = String::new();
        match file {
            Ok(mut file) => file.read_to_string(&mut text).map(|_| text).map_err(|_| false),
            Err(error) => Err(is_absent(&error)),
        }
    }

    #[test]
    fn nothing_above_the_folder_is_ever_opened() {
        let (_home, root) = home();
        let names = [
            "out",
            "absolute",
            "home-again",
            "up/secret",
            "../secret",
            "sub/../../secret",
            "/etc/passwd",
            "loop",
            "magic/etc/passwd",
            "nothing",
            "page/x",
        ];
        for name in names {
            assert_eq!(read(root.open(Path::new(name))), Err(true), "{name}");
            assert_eq!(read(root.walk(Path::new(name))), Err(true), "{name}, name by name");
        }
    }

    #[test]
    fn a_link_within_the_folder_is_followed_where_the_kernel_holds_it_there() {
        let (_home, root) = home();
        for name in ["page", "sub/inner"] {
            assert_eq!(read(root.open(Path::new(name))), read(root.walk(Path::new(name))), "{name}");
        }
        assert_eq!(read(root.open(Path::new("sub/inner"))).unwrap(), "inner");
        assert_eq!(read(root.open(Path::new("sub/within"))).unwrap(), "page");
        assert_eq!(read(root.walk(Path::new("sub/within"))), Err(true));
    }

    #[test]
    fn the_folder_may_be_a_link_to_where_links_may_lead() {
        let home = tempfile::tempdir().unwrap();
        let (apps, elsewhere) = (home.path().join("apps"), home.path().join("elsewhere"));
        fs::create_dir_all(apps.join("_1")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        symlink("_1", apps.join("_site")).unwrap();
        let folder = |roots: &[&PathBuf]| {
            let roots = roots.iter().map(|root| (*root).clone()).collect();
            Folder::new(apps.join("_site"), roots, FolderSettings::default())
        };
        assert!(folder(&[&apps]).open().is_ok());
        let flipped = folder(&[&apps]);
        assert!(flipped.open().is_ok());
        fs::remove_file(apps.join("_site")).unwrap();
        symlink(&elsewhere, apps.join("_site")).unwrap();
        assert!(matches!(flipped.open(), Err(FolderError::Outside(_))));
        assert!(folder(&[&apps, &elsewhere]).open().is_ok());
        fs::remove_file(apps.join("_site")).unwrap();
        assert!(matches!(flipped.open(), Err(FolderError::Missing(_))));
    }
}

//! What is in the apps folder at this moment: names and marks, no content.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use guesthouse_app::opened;
use guesthouse_app::opened::Links;
use guesthouse_types::name::AppName;
use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;

use crate::reason::Reason;
use crate::reason::ReasonCode;

/// How deep sub-folders may lie: a bound against link mazes, far beyond any sensible route.
const DEPTH_MAX: usize = 8;
/// How many names are looked at: a bound against a folder that was never meant to hold apps.
const NAMES_MAX: usize = 100_000;
/// How many of them in one sub-folder, with everything below it: a maze of links, or what was unpacked there by mistake,
/// hides itself and no other.
const BELOW_NAMES_MAX: usize = 10_000;

/// The folder at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// What could be an app, by its name.
    pub apps: BTreeMap<AppName, FoundApp>,
    /// Every component by its path in the folder, also those that are set aside: what an app can have before it.
    pub components: BTreeMap<PathBuf, Result<FoundFile, Reason>>,
    /// What ends in `.wasm` and can be no app, by its path in the folder: why.
    pub refusals: BTreeMap<PathBuf, Reason>,
    /// Sub-folders that could not be read, by their path in the folder: apps in there are not gone.
    pub unreadable: BTreeMap<PathBuf, Reason>,
    /// The real folders whose changes matter.
    pub folders: BTreeSet<PathBuf>,
    /// The device that the folder itself is on.
    pub device: u64,
    /// Whether the folder holds nothing at all, not even ignored names.
    pub is_empty: bool,
}

/// The files of one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundApp {
    /// The component, or why that file can be none.
    pub code: Result<FoundFile, Reason>,
    /// The manifest beside it, if there is one, or why that file can be none.
    pub manifest: Option<Result<FoundFile, Reason>>,
}

impl FoundApp {
    /// The component and the manifest, or why one of them can be none.
    pub fn files(self) -> Result<(FoundFile, Option<FoundFile>), Reason> {
        let manifest = self.manifest.transpose();
        self.code.and_then(|code| Ok((code, manifest?)))
    }
}

/// A file that an app has before it, by its name in the app's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiblingFile {
    /// As the manifest names it.
    pub name: String,
    /// What is there, or why that can be no component. `None` while nothing is there.
    pub file: Option<Result<FoundFile, Reason>>,
}

impl SiblingFile {
    /// The file, unless it is missing or can be no component.
    pub fn found_file(&self) -> Option<&FoundFile> {
        self.file.as_ref()?.as_ref().ok()
    }
}

/// One file, as far as it can be known without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where an event names it: its real folder, and its name there.
    pub entry: PathBuf,
    /// Where its content is, all links followed.
    pub real: PathBuf,
    /// How the operator knows it: as the apps folder was given.
    pub shown: String,
    /// By what a change shows.
    pub stamp: FileStamp,
    /// How long ago the file system last saw it change; nothing for a time in the future.
    pub age: Duration,
}

/// By what a change of a file shows without reading it. Compared for equality only: a file can become older.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStamp {
    /// Length in bytes.
    pub size: u64,
    /// When it was written, as seconds and nanoseconds. Anyone can set it to anything.
    pub mtime: (i64, i64),
    /// When it was last changed in any way. Nobody can set it.
    pub ctime: (i64, i64),
    /// Which file it is.
    pub inode: u64,
    /// On which device.
    pub device: u64,
}

impl FileStamp {
    /// The mark of a file.
    pub fn of(metadata: &Metadata) -> FileStamp {
        FileStamp {
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }
}

/// Looks through `apps`. Links may lead to what lies beneath its real path or beneath one of `roots`.
pub fn scan(apps: &Path, roots: &[PathBuf]) -> io::Result<Scan> {
    let folder = OpenEntry::folder(apps)?;
    let mut dir_scan = DirScan::new(apps, allowed(&folder.real, roots));
    dir_scan.scan.device = folder.metadata.dev();
    dir_scan.scan.is_empty = true;
    dir_scan.folder(&folder, Path::new(""), &mut Vec::new())?;
    for (name, manifest) in dir_scan.manifests {
        match dir_scan.scan.apps.get_mut(&name) {
            Some(found) => found.manifest = Some(manifest),
            None => {
                tracing::debug!(
                    target: "guesthouse::deploy",
                    { app.name = %name },
                    "a manifest without a component is left alone"
                )
            }
        }
    }
    Ok(dir_scan.scan)
}

/// Looks at one file, wherever it lies: as a scan would see it in a folder that holds nothing else but its manifest. In
/// `apps` its sub-folders are part of its name, and links lead no further than there.
pub fn scan_one(file: &Path, apps: &Path, roots: &[PathBuf]) -> Result<(AppName, FoundApp), Reason> {
    let Some(file_name) = file.file_name() else {
        return Err(Reason::new(ReasonCode::File, "not a file but a folder"));
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = |error: io::Error| Reason::new(ReasonCode::Unreadable, format!("cannot be looked at: {error}"));
    let held = OpenEntry::folder(folder).map_err(cannot)?;
    let (below, allowed) = place(&held.real, apps, roots);
    let (entry, path) = (held.real.join(file_name), below.join(file_name));
    if let Some(why) = path.iter().find_map(ignored) {
        return Err(Reason::new(ReasonCode::Name, format!("{why}: such files are left alone")));
    }
    let metadata = fs::symlink_metadata(&entry).map_err(cannot)?;
    if !matches!(Kind::of(&path), Some(Kind::Code)) {
        let (code, what) = match metadata.is_dir() {
            true => (ReasonCode::File, "a folder: name the files in it"),
            false => (ReasonCode::Name, "its name does not end in `.wasm`"),
        };
        return Err(Reason::new(code, format!("{what}: such files are left alone")));
    }
    let mut dir_scan = DirScan::new(folder, allowed);
    dir_scan.name(&held, &path, &mut Vec::new());
    dir_scan.name(&held, &path.with_extension("toml"), &mut Vec::new());
    if let Some((_, why)) = dir_scan.scan.refusals.pop_first() {
        return Err(why);
    }
    let (name, mut found) =
        dir_scan.scan.apps.pop_first().ok_or_else(|| Reason::new(ReasonCode::File, "it is gone"))?;
    found.manifest = dir_scan.manifests.remove(&name);
    // As it was typed, rather than as the folder below.
    if let Ok(code) = &mut found.code {
        code.shown = file.display().to_string();
    }
    if let Some(Ok(manifest)) = &mut found.manifest {
        manifest.shown = file.with_extension("toml").display().to_string();
    }
    Ok((name, found))
}

/// What lies under these names beside `code`, which was found by [`scan_one`].
pub fn scan_siblings(code: &FoundFile, names: &[String], apps: &Path, roots: &[PathBuf]) -> Vec<SiblingFile> {
    let folder = code.entry.parent().unwrap_or(Path::new("/"));
    let shown = Path::new(&code.shown).parent().unwrap_or(Path::new(""));
    let (_, allowed) = place(folder, apps, roots);
    let mut dir_scan = DirScan::new(shown, allowed);
    // What cannot be looked at is not there.
    if let Ok(folder) = OpenEntry::folder(folder) {
        names.iter().for_each(|name| dir_scan.name(&folder, Path::new(name), &mut Vec::new()));
    }
    let file = |name: &String| dir_scan.scan.components.get(Path::new(name)).cloned();
    names.iter().map(|name| SiblingFile { name: name.clone(), file: file(name) }).collect()
}

/// Where a real folder lies in the apps folder, and where links in it may lead: outside, anywhere.
fn place(real: &Path, apps: &Path, roots: &[PathBuf]) -> (PathBuf, Vec<PathBuf>) {
    let apps = fs::canonicalize(apps).ok().filter(|apps| real.starts_with(apps));
    match &apps {
        Some(apps) => (real.strip_prefix(apps).unwrap_or(Path::new("")).to_owned(), allowed(apps, roots)),
        None => (PathBuf::new(), vec![PathBuf::from("/")]),
    }
}

/// Where links may lead.
fn allowed(real: &Path, roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut allowed = vec![real.to_owned()];
    allowed.extend(roots.iter().filter_map(|root| fs::canonicalize(root).ok()));
    allowed
}

/// Something in the folder, held open: it stays what it is, whatever its name leads to a moment later.
struct OpenEntry {
    handle: File,
    metadata: Metadata,
    /// Where it is.
    real: PathBuf,
}

impl OpenEntry {
    /// The folder at `path`, wherever that leads.
    fn folder(path: &Path) -> io::Result<OpenEntry> {
        let handle = opened::folder(path)?;
        // Without `/proc`, by its name: whoever can exchange the folders on the way to it needs no link.
        let real = opened::whereabouts(&handle).or_else(|_| fs::canonicalize(path))?;
        Ok(OpenEntry { metadata: handle.metadata()?, handle, real })
    }

    /// Everything in it.
    fn entries(&self) -> io::Result<Dir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let readable = rustix::fs::openat(&self.handle, ".", flags, Mode::empty())?;
        Ok(Dir::read_from(readable)?)
    }
}

struct DirScan<'a> {
    shown: &'a Path,
    allowed: Vec<PathBuf>,
    scan: Scan,
    manifests: BTreeMap<AppName, Result<FoundFile, Reason>>,
    /// Looked at in all.
    names: usize,
    /// Looked at in one sub-folder of the apps folder, and below it.
    below: usize,
}

impl<'a> DirScan<'a> {
    fn new(shown: &'a Path, allowed: Vec<PathBuf>) -> DirScan<'a> {
        DirScan { shown, allowed, scan: Scan::default(), manifests: BTreeMap::new(), names: 0, below: 0 }
    }

    /// `above` holds the real folders on the way here, so that a link circle ends.
    fn folder(&mut self, folder: &OpenEntry, path: &Path, above: &mut Vec<PathBuf>) -> io::Result<()> {
        self.scan.folders.insert(folder.real.clone());
        above.push(folder.real.clone());
        for entry in folder.entries()? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            self.scan.is_empty = false;
            self.count(above.len() > 1)?;
            if ignored(name).is_some() && !is_set_aside(name) {
                continue;
            }
            self.name(folder, &path.join(name), above);
        }
        above.pop();
        Ok(())
    }

    fn count(&mut self, is_below: bool) -> io::Result<()> {
        self.names += 1;
        self.below += usize::from(is_below);
        let most = match is_below {
            true if self.below > BELOW_NAMES_MAX => BELOW_NAMES_MAX,
            _ if self.names > NAMES_MAX => NAMES_MAX,
            _ => return Ok(()),
        };
        Err(io::Error::other(format!("holds more than {most} names: is it the right folder?")))
    }

    /// What lies in `folder` under the last name of `path`.
    fn name(&mut self, folder: &OpenEntry, path: &Path, above: &mut Vec<PathBuf>) {
        let kind = Kind::of(path);
        let name = path.file_name().unwrap_or_default();
        match self.hold(folder, Path::new(name)) {
            // Whatever lies in a folder that is set aside is set aside as well.
            Ok(held) if held.metadata.is_dir() && matches!(kind, Some(Kind::SetAside)) => {}
            Ok(held) if held.metadata.is_dir() && kind.is_none() => self.sub_folder(&held, path, above),
            Ok(held) => {
                if let Some(kind) = kind {
                    let file = self.file(folder.real.join(name), held, path);
                    self.found(kind, path, file);
                }
            }
            // Gone between being listed and being looked at: the next event tells what became of it.
            Err(Refused::Gone) => {}
            Err(Refused::Because(why)) => match kind {
                Some(kind) => self.found(kind, path, Err(why)),
                None => {
                    self.scan.unreadable.insert(path.to_owned(), why);
                }
            },
        }
    }

    fn sub_folder(&mut self, folder: &OpenEntry, path: &Path, above: &mut Vec<PathBuf>) {
        if above.contains(&folder.real) || above.len() >= DEPTH_MAX {
            tracing::debug!(
                target: "guesthouse::deploy",
                path = %path.display(),
                "not entered: a circle of links, or too deep"
            );
            return;
        }
        let depth = above.len();
        if depth == 1 {
            self.below = 0;
        }
        if let Err(error) = self.folder(folder, path, above) {
            above.truncate(depth);
            let why = Reason::new(ReasonCode::Unreadable, error.to_string());
            self.scan.unreadable.insert(path.to_owned(), why);
        }
    }

    /// Follows links, but not out of what is allowed. A link that is put in a folder's place at any moment is either seen
    /// as a link, or comes too late.
    fn hold(&self, folder: &OpenEntry, name: &Path) -> Result<OpenEntry, Refused> {
        let at = |links: Links| opened::at(&folder.handle, name, links);
        let (handle, metadata) = at(Links::Kept).map_err(Refused::from_error)?;
        if !metadata.is_symlink() {
            return Ok(OpenEntry { handle, metadata, real: folder.real.join(name) });
        }
        let (handle, metadata) = at(Links::Followed).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if at(Links::Kept).is_ok() => {
                Refused::Because(Reason::new(ReasonCode::Link, "a link that leads nowhere"))
            }
            _ => Refused::from_error(error),
        })?;
        let real = opened::whereabouts(&handle).map_err(|error| {
            let why = format!("a link, and `/proc` does not tell where it leads: {error} (mount `/proc`)");
            Refused::Because(Reason::new(ReasonCode::Link, why))
        })?;
        if !self.allowed.iter().any(|root| real.starts_with(root)) {
            let why =
                format!("a link that leads out of the apps folder, to `{}` (allow it with a root)", real.display());
            return Err(Refused::Because(Reason::new(ReasonCode::Link, why)));
        }
        // Removed since it was opened: where it was says nothing.
        if metadata.nlink() == 0 {
            return Err(Refused::Gone);
        }
        Ok(OpenEntry { handle, metadata, real })
    }

    fn file(&mut self, entry: PathBuf, held: OpenEntry, path: &Path) -> Result<FoundFile, Reason> {
        let OpenEntry { metadata, real, .. } = held;
        if !metadata.is_file() {
            let why = format!("not a regular file but {}", kind_of(&metadata));
            return Err(Reason::new(ReasonCode::File, why));
        }
        // Writes to the target of a link are noticed in the target's own folder.
        if let Some(folder) = real.parent() {
            self.scan.folders.insert(folder.to_owned());
        }
        let shown = self.shown.join(path).display().to_string();
        Ok(FoundFile { entry, real, shown, stamp: FileStamp::of(&metadata), age: age(&metadata) })
    }

    fn found(&mut self, kind: Kind, path: &Path, file: Result<FoundFile, Reason>) {
        if matches!(kind, Kind::Code | Kind::SetAside) {
            self.scan.components.insert(path.to_owned(), file.clone());
        }
        match (AppName::from_path(path), kind) {
            // Else `shop.wasm` and `shop.WASM` were one app, and which of them serves a matter of chance.
            (Ok(_), Kind::Code) if path.extension().is_some_and(|extension| extension != "wasm") => {
                let why = "its name ends in `.wasm` only when case is ignored: rename it";
                self.scan.refusals.insert(path.to_owned(), Reason::new(ReasonCode::Name, why));
            }
            (Ok(name), Kind::Code) => {
                self.scan.apps.insert(name, FoundApp { code: file, manifest: None });
            }
            (Ok(name), Kind::Manifest) => {
                self.manifests.insert(name, file);
            }
            (Err(error), Kind::Code) => {
                self.scan.refusals.insert(path.to_owned(), Reason::new(ReasonCode::Name, error.to_string()));
            }
            (Err(_), Kind::Manifest) | (_, Kind::SetAside) => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    /// A component that is no app.
    SetAside,
    Manifest,
}

impl Kind {
    fn of(path: &Path) -> Option<Kind> {
        if path.file_name().is_some_and(is_set_aside) {
            return Some(Kind::SetAside);
        }
        let extension = path.extension()?.to_str()?;
        if extension.eq_ignore_ascii_case("wasm") {
            return Some(Kind::Code);
        }
        (extension == "toml").then_some(Kind::Manifest)
    }
}

enum Refused {
    Gone,
    Because(Reason),
}

impl Refused {
    fn from_error(error: io::Error) -> Refused {
        match error.kind() {
            io::ErrorKind::NotFound => Refused::Gone,
            _ => Refused::Because(Reason::new(ReasonCode::Unreadable, format!("cannot be looked at: {error}"))),
        }
    }
}

/// Names that are still on their way, hidden, or set aside on purpose: why they are left alone.
fn ignored(name: &OsStr) -> Option<&'static str> {
    let name = name.as_encoded_bytes();
    let ends = |end: &str| name.ends_with(end.as_bytes());
    match () {
        () if name.starts_with(b".") => Some("its name begins with `.`"),
        () if name.starts_with(b"_") => Some("its name begins with `_`"),
        () if ends("~") || ends(".tmp") || ends(".part") || ends(".swp") => Some("its name is that of a draft"),
        () => None,
    }
}

/// Components that are no apps, but may stand before one: `_auth.wasm`.
fn is_set_aside(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"_") && name.ends_with(b".wasm")
}

fn kind_of(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

/// The change time cannot be set by hand, so that a file with an old one has really stood still.
fn age(metadata: &Metadata) -> Duration {
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(metadata.ctime()), u32::try_from(metadata.ctime_nsec())) else {
        return Duration::ZERO;
    };
    let changed = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
    SystemTime::now().duration_since(changed).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;

    use rustix::fs::CWD;
    use rustix::fs::RenameFlags;

    use super::*;

    /// Names of apps, and refusals with their reasons, in one text.
    fn outline(apps: &Path, roots: &[PathBuf]) -> String {
        let scan = scan(apps, roots).unwrap();
        let mut lines = Vec::new();
        for (name, found) in &scan.apps {
            let manifest = if found.manifest.is_some() { "+toml" } else { "" };
            match &found.code {
                Ok(code) => lines.push(format!("{name}{manifest} {} bytes", code.stamp.size)),
                Err(why) => lines.push(format!("{name}: {why}")),
            }
        }
        lines.extend(scan.refusals.iter().map(|(path, why)| format!("{}! {why}", path.display())));
        lines.extend(scan.unreadable.iter().map(|(path, why)| format!("{}? {why}", path.display())));
        lines.join("\n")
    }

    #[test]
    fn files_become_apps_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let apps = folder.path();
        fs::create_dir_all(apps.join("api/.git")).unwrap();
        fs::create_dir(apps.join("dir.wasm")).unwrap();
        fs::create_dir(apps.join("_dir.wasm")).unwrap();
        fs::write(apps.join("_dir.wasm/x.wasm"), "1234").unwrap();
        for name in ["shop.wasm", "shop.toml", "api/users.wasm", "api/.git/x.wasm", ".x.wasm", "_y.wasm", "z.wasm.tmp"]
        {
            fs::write(apps.join(name), "1234").unwrap();
        }
        for name in ["alone.toml", "readme.txt", "My_Shop.wasm"] {
            fs::write(apps.join(name), "1234").unwrap();
        }
        assert_eq!(
            outline(apps, &[]),
            "api/users 4 bytes\n\
             dir: not a regular file but a folder\n\
             shop+toml 4 bytes\n\
             My_Shop.wasm! `My_Shop` is not an app's name: use a-z, 0-9 and `-`, beginning with a letter or a digit \
             (rename it to `my-shop`?)"
        );
        let components = scan(apps, &[]).unwrap().components;
        let names: Vec<String> = components.keys().map(|path| path.display().to_string()).collect();
        assert_eq!(names, ["My_Shop.wasm", "_y.wasm", "api/users.wasm", "dir.wasm", "shop.wasm"]);
    }

    #[test]
    fn links_lead_only_where_they_may() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let (apps, elsewhere) = (base.join("apps"), base.join("elsewhere"));
        fs::create_dir_all(apps.join("..2024")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        fs::write(apps.join("..2024/shop.wasm"), "shop").unwrap();
        fs::write(elsewhere.join("far.wasm"), "far").unwrap();
        symlink("..2024", apps.join("..data")).unwrap();
        symlink("..data/shop.wasm", apps.join("shop.wasm")).unwrap();
        symlink(elsewhere.join("far.wasm"), apps.join("far.wasm")).unwrap();
        symlink("nothing", apps.join("dangling.wasm")).unwrap();
        symlink(".", apps.join("circle")).unwrap();

        let found = outline(&apps, &[]);
        let real = elsewhere.join("far.wasm");
        let far = format!("a link that leads out of the apps folder, to `{}` (allow it with a root)", real.display());
        assert_eq!(found, format!("dangling: a link that leads nowhere\nfar: {far}\nshop 4 bytes"));
        let found = outline(&apps, std::slice::from_ref(&elsewhere));
        assert_eq!(found, "dangling: a link that leads nowhere\nfar 3 bytes\nshop 4 bytes");
        let folders = scan(&apps, std::slice::from_ref(&elsewhere)).unwrap().folders;
        assert_eq!(folders, BTreeSet::from([apps.clone(), apps.join("..2024"), elsewhere]));
    }

    #[test]
    fn a_maze_of_links_hides_itself_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let apps = fs::canonicalize(folder.path()).unwrap();
        let rooms: Vec<PathBuf> = (0..10).map(|number| apps.join(format!("maze/room-{number}"))).collect();
        for room in &rooms {
            fs::create_dir_all(room).unwrap();
        }
        for (from, to) in rooms.iter().flat_map(|from| rooms.iter().map(move |to| (from, to))) {
            symlink(to, from.join(to.file_name().unwrap())).unwrap();
        }
        fs::create_dir(apps.join("api")).unwrap();
        for name in ["shop.wasm", "api/users.wasm"] {
            fs::write(apps.join(name), "1234").unwrap();
        }
        let found = outline(&apps, &[]);
        let maze = "holds more than 10000 names: is it the right folder?";
        assert!(found.starts_with("api/users 4 bytes\nshop 4 bytes\nmaze"), "{found}");
        assert!(found.contains(maze), "{found}");
    }

    #[test]
    fn a_link_that_is_swapped_in_during_a_scan_takes_nothing_from_outside() {
        const SCANS: usize = 4000;
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let (apps, outside) = (base.join("apps"), base.join("outside"));
        fs::create_dir_all(apps.join("d/e")).unwrap();
        fs::create_dir_all(outside.join("e")).unwrap();
        for file in ["far.wasm", "far.toml", "_far.wasm", "e/far.wasm"] {
            fs::write(outside.join(file), "far").unwrap();
        }
        fs::write(apps.join("d/near.wasm"), "near").unwrap();
        symlink(&outside, apps.join(".link")).unwrap();
        let (d, link) = (apps.join("d"), apps.join(".link"));
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    rustix::fs::renameat_with(CWD, &d, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                }
            });
            let (mut taken, mut near, mut refused) = (Vec::new(), 0, 0);
            for _ in 0..SCANS {
                let scan = scan(&apps, &[]).unwrap();
                let is_far = |path: &PathBuf| path.ends_with("far.wasm") || path.ends_with("_far.wasm");
                taken.extend(scan.components.into_keys().filter(is_far));
                near += scan.apps.len();
                refused += scan.unreadable.len();
            }
            is_done.store(true, Ordering::Relaxed);
            assert!(taken.is_empty(), "taken from outside of the folder: {taken:?}");
            assert!(near > 0 && refused > 0, "never seen as a folder ({near}), or never as a link ({refused})");
        });
    }

    #[test]
    fn the_folder_itself_may_be_a_link_that_flips() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        for release in ["1", "2"] {
            fs::create_dir_all(base.join("releases").join(release)).unwrap();
            fs::write(base.join("releases").join(release).join("shop.wasm"), release).unwrap();
        }
        let current = base.join("current");
        symlink("releases/1", &current).unwrap();
        let real = |scan: &Scan| scan.apps.values().next().unwrap().code.clone().unwrap().real;
        assert_eq!(real(&scan(&current, &[]).unwrap()), base.join("releases/1/shop.wasm"));
        fs::remove_file(&current).unwrap();
        symlink("releases/2", &current).unwrap();
        assert_eq!(real(&scan(&current, &[]).unwrap()), base.join("releases/2/shop.wasm"));
    }

    #[test]
    fn a_missing_folder_is_an_error_and_an_empty_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(scan(folder.path(), &[]).unwrap().is_empty);
        assert!(scan(&folder.path().join("no"), &[]).is_err());
    }
}

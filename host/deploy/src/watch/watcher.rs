//! Hints that something in the apps folder may have changed. Only hints: the folder is the truth.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use notify::Event;
use notify::EventKind;
use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher as _;
use notify::event::ModifyKind;
use notify::event::RenameMode;
use tokio::sync::Notify;

use crate::settings::WatchMode;

/// How often the apps folder itself is looked at.
const GATE_LOOK: Duration = Duration::from_millis(250);

/// Paths remembered between two scans: beyond it, files settle as if they had been written.
const MOVED_MAX: usize = 10_000;

/// Listens to the file system. Survives every error: what cannot be heard is polled for.
pub struct Watcher {
    mode: WatchMode,
    watcher: Option<RecommendedWatcher>,
    hints: Arc<Hints>,
    /// What is watched, with device and inode: a folder made anew under the same path is another one.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    trouble: Option<String>,
    gate: Gate,
}

/// The apps folder itself, which may be moved away, made anew, or be a link that flips. It is looked at from time to time:
/// events would have to be heard in the folder above it, and with them everything else that is written there, such as a
/// log with a line for every request.
#[derive(Default)]
struct Gate {
    apps: PathBuf,
    /// Where it really is, with device and inode; `None` when it is not there.
    seen: Option<(PathBuf, u64, u64)>,
}

#[derive(Default)]
struct Hints {
    arrived: Notify,
    // Held for a few operations on these sets only, on the watcher's thread and on ours; no await is inside.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Paths that were moved into place since they were last taken.
    moved: HashSet<PathBuf>,
    /// Watched folders that went away.
    lost: Vec<PathBuf>,
    /// The folders in which every name matters.
    folders: BTreeSet<PathBuf>,
    error: Option<String>,
}

impl Watcher {
    /// Begins to listen, to nothing yet.
    pub fn new(mode: WatchMode) -> Watcher {
        let (hints, watched, gate) = (Arc::default(), BTreeMap::new(), Gate::default());
        let mut watch = Watcher { mode, watcher: None, hints, watched, trouble: None, gate };
        watch.begin();
        watch
    }

    fn begin(&mut self) {
        if self.mode == WatchMode::Poll || self.watcher.is_some() {
            return;
        }
        let hints = self.hints.clone();
        match notify::recommended_watcher(move |event| hints.take_in(event)) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.trouble = Some(format!("file events do not work ({error}): looking every second")),
        }
    }

    /// Waits for a hint.
    pub async fn hint(&self) {
        loop {
            tokio::select! {
                () = self.hints.arrived.notified() => return,
                () = tokio::time::sleep(GATE_LOOK) => if self.gate.has_moved() { return },
            }
        }
    }

    /// What was moved into place since the last time this was asked. To be asked *before* a scan.
    pub fn take_moved(&self) -> HashSet<PathBuf> {
        std::mem::take(&mut self.hints.lock().moved)
    }

    /// Watches exactly `folders`, and looks at `apps` itself. Whether anything new is watched since: then what happened
    /// before may have been missed, and another scan is due.
    pub fn follow(&mut self, apps: &Path, folders: &BTreeSet<PathBuf>) -> bool {
        self.begin();
        self.gate = Gate::at(apps);
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        {
            let mut inner = self.hints.lock();
            inner.folders.clone_from(folders);
            for lost in std::mem::take(&mut inner.lost) {
                self.watched.retain(|path, _| !path.starts_with(&lost));
            }
            self.trouble = inner.error.take();
        }
        let gone: Vec<PathBuf> = self.watched.keys().filter(|path| !folders.contains(*path)).cloned().collect();
        for path in gone {
            // It fails for a folder that is no more, which is all the same.
            let _ = watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        let mut is_new = false;
        for path in folders {
            let Ok(metadata) = fs::metadata(path) else { continue };
            let identity = (metadata.dev(), metadata.ino());
            if self.watched.get(path) == Some(&identity) {
                continue;
            }
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path.clone(), identity);
                    is_new = true;
                }
                Err(error) => self.trouble = Some(advice(path, &error)),
            }
        }
        is_new
    }

    /// Forgets what is watched, so that the next [`follow`](Watcher::follow) sets every watch anew. Done now and then, in
    /// case a folder was replaced without a word.
    pub fn renew(&mut self) {
        self.watched.clear();
    }

    /// What does not work, for the operator.
    pub fn alarm(&self, apps: &Path) -> Option<String> {
        match self.mode {
            WatchMode::Events => self.trouble.clone().or_else(|| {
                let kind = silent_file_system(apps)?;
                Some(format!("the apps folder is on {kind}, which may send no events: use `auto` or `poll`"))
            }),
            WatchMode::Auto => self.trouble.clone(),
            WatchMode::Poll => None,
        }
    }

    /// Whether events cannot be relied on at the moment.
    pub fn is_in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// Whether the folder must be looked at every second, whatever else works.
    pub fn must_poll(&self, apps: &Path) -> bool {
        match self.mode {
            WatchMode::Poll => true,
            WatchMode::Auto => silent_file_system(apps).is_some(),
            WatchMode::Events => false,
        }
    }
}

impl Gate {
    fn at(apps: &Path) -> Gate {
        Gate { apps: apps.to_owned(), seen: Gate::look(apps) }
    }

    fn look(apps: &Path) -> Option<(PathBuf, u64, u64)> {
        let real = fs::canonicalize(apps).ok()?;
        let metadata = fs::metadata(&real).ok()?;
        Some((real, metadata.dev(), metadata.ino()))
    }

    fn has_moved(&self) -> bool {
        Gate::look(&self.apps) != self.seen
    }
}

impl Hints {
    fn take_in(&self, event: notify::Result<Event>) {
        let mut inner = self.lock();
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                inner.error = Some(format!("file events are unreliable ({error}): looking every second"));
                self.arrived.notify_one();
                return;
            }
        };
        // Reading is no change. We read ourselves, and would never come to rest.
        if matches!(event.kind, EventKind::Access(_)) && !event.need_rescan() {
            return;
        }
        let moved_in = matches!(event.kind, EventKind::Modify(ModifyKind::Name(RenameMode::To)));
        let moved_out = matches!(event.kind, EventKind::Modify(ModifyKind::Name(RenameMode::From)));
        let mut matters = event.need_rescan();
        for path in event.paths {
            if !inner.matters(&path) {
                continue;
            }
            matters = true;
            if moved_out || matches!(event.kind, EventKind::Remove(_)) {
                inner.lost.push(path.clone());
            }
            if moved_in && inner.moved.len() < MOVED_MAX {
                inner.moved.insert(path);
            } else if matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)) | EventKind::Create(_)) {
                // It is being written to after all.
                inner.moved.remove(&path);
            }
        }
        if matters {
            self.arrived.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn matters(&self, path: &Path) -> bool {
        self.folders.contains(path) || path.parent().is_some_and(|folder| self.folders.contains(folder))
    }
}

fn advice(path: &Path, error: &notify::Error) -> String {
    let why = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => "no watches left, raise fs.inotify.max_user_watches".to_owned(),
        _ => error.to_string(),
    };
    format!("`{}` cannot be watched ({why}): looking every second", path.display())
}

/// The name of a file system on which others can change files without our kernel knowing (statfs(2)).
fn silent_file_system(apps: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(apps).ok()?.f_type;
    // Truncated on purpose: the magic numbers have 32 bits, whatever the field's width and sign.
    match kind as u32 {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x0102_1997 => Some("9p"),
        0x6573_5546 => Some("FUSE"),
        0x794c_7630 => Some("overlayfs"),
        0x00c3_6400 => Some("Ceph"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x786f_4256 => Some("vboxsf"),
        0xbacb_acbc => Some("vmhgfs"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use notify::event::Flag;

    use super::*;

    async fn hinted(watch: &Watcher) -> bool {
        tokio::time::timeout(Duration::from_secs(5), watch.hint()).await.is_ok()
    }

    #[tokio::test]
    async fn events_that_got_lost_are_a_hint_and_errors_are_an_alarm() {
        let mut watch = Watcher::new(WatchMode::Auto);
        // More happened than the kernel keeps for us (inotify(7), IN_Q_OVERFLOW).
        watch.hints.take_in(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(hinted(&watch).await);
        assert!(!watch.is_in_trouble());
        watch.hints.take_in(Err(notify::Error::generic("broken")));
        assert!(hinted(&watch).await);
        let folder = tempfile::tempdir().unwrap();
        watch.follow(folder.path(), &BTreeSet::new());
        assert!(watch.alarm(folder.path()).unwrap().contains("looking every second"));
        // It was one error: what is heard after it counts again.
        watch.follow(folder.path(), &BTreeSet::new());
        assert!(!watch.is_in_trouble());
    }

    #[tokio::test]
    async fn a_move_is_told_from_a_write() {
        let folder = tempfile::tempdir().unwrap();
        let apps = fs::canonicalize(folder.path()).unwrap().join("apps");
        fs::create_dir(&apps).unwrap();
        let mut watch = Watcher::new(WatchMode::Auto);
        let folders = BTreeSet::from([apps.clone()]);
        assert!(watch.follow(&apps, &folders));
        assert!(!watch.follow(&apps, &folders));

        fs::write(apps.join("x.wasm"), "1").unwrap();
        assert!(hinted(&watch).await);
        fs::rename(apps.join("x.wasm"), apps.join("y.wasm")).unwrap();
        while !watch.hints.lock().moved.contains(&apps.join("y.wasm")) {
            assert!(hinted(&watch).await);
        }
        assert!(watch.take_moved().contains(&apps.join("y.wasm")));
        assert!(watch.take_moved().is_empty());

        // The folder itself goes and comes again.
        fs::remove_dir_all(&apps).unwrap();
        assert!(hinted(&watch).await);
        watch.follow(&apps, &BTreeSet::new());
        fs::create_dir(&apps).unwrap();
        assert!(hinted(&watch).await);
        while !watch.follow(&apps, &folders) {
            assert!(hinted(&watch).await);
        }
    }
}

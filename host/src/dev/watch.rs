//! Which projects were edited? Events of the file system, gathered until the editor is quiet.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use guesthouse_builders::Project;
use guesthouse_builders::source::watched::Watched;
use guesthouse_builders::source::watched::is_source;
use notify::EventKind;
use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher as _;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::timeout;
use tracing::warn;

/// An editor writes several files at once, and some write one several times.
const QUIET: Duration = Duration::from_millis(200);

/// A tool that never stops writing shall not keep a rebuild away.
const QUIET_AFTER_MAX: Duration = Duration::from_secs(2);

/// Watches the sources of all projects.
pub struct SourceWatch {
    watcher: RecommendedWatcher,
    /// For each project its folders.
    folders: Arc<Vec<Vec<Watched>>>,
    changes: Arc<Changes>,
}

/// What the watcher's thread leaves for the task.
#[derive(Default)]
struct Changes {
    /// Projects by number, and since when. Locked for an insertion or a swap; no await is inside.
    projects: Mutex<BTreeMap<usize, Instant>>,
    some: Notify,
}

impl SourceWatch {
    /// Begins to watch.
    pub fn begin(projects: &[Project]) -> notify::Result<SourceWatch> {
        SourceWatch::of(projects.iter().map(|project| project.watched().to_vec()).collect())
    }

    fn of(folders: Vec<Vec<Watched>>) -> notify::Result<SourceWatch> {
        let (folders, changes) = (Arc::new(folders), Arc::new(Changes::default()));
        let (seen_folders, seen_changes) = (folders.clone(), changes.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event {
                seen_changes.note(&event, &seen_folders);
            }
        })?;
        let mut watch = SourceWatch { watcher, folders, changes };
        watch.look();
        Ok(watch)
    }

    /// Waits for changes, and gives the projects by number, with the moment of the first change. Dropping the future loses
    /// none.
    pub async fn changed(&mut self) -> BTreeMap<usize, Instant> {
        // What an earlier call was dropped over is there still, and nobody tells of it again.
        if self.changes.is_empty() {
            self.changes.some.notified().await;
        }
        let until = Instant::now() + QUIET_AFTER_MAX;
        while timeout(QUIET, self.changes.some.notified()).await.is_ok() && Instant::now() < until {}
        // New folders may have come. What was written into them meanwhile is built now in any case.
        self.look();
        self.changes.take()
    }

    /// Watches every folder that is there, each alone, so that `target/` with its thousands of folders costs nothing. One
    /// that is watched already may have been removed and made again: to watch it once more costs nothing either.
    fn look(&mut self) {
        let mut found = Vec::new();
        for Watched { folder, deep } in self.folders.iter().flatten() {
            gather(folder, *deep, &mut found);
        }
        for folder in found {
            if let Err(error) = self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                warn!(target: "guesthouse::dev", "changes in `{}` will not be noticed: {error}", folder.display());
            }
        }
    }
}

impl Changes {
    fn note(&self, event: &notify::Event, folders: &[Vec<Watched>]) {
        // Reading is no change, and a build reads everything.
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        let all = event.need_rescan();
        let holds =
            |folders: &Vec<Watched>| folders.iter().any(|watched| event.paths.iter().any(|path| watched.holds(path)));
        let changed: Vec<usize> = (0..folders.len()).filter(|at| all || holds(&folders[*at])).collect();
        if !changed.is_empty() {
            let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            for at in changed {
                projects.entry(at).or_insert(now);
            }
            drop(projects);
            self.some.notify_one();
        }
    }

    fn is_empty(&self) -> bool {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn take(&self) -> BTreeMap<usize, Instant> {
        std::mem::take(&mut *self.projects.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `folder`, and those below that may hold source.
fn gather(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    if deep {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_source(&entry.file_name().to_string_lossy()) {
                gather(&entry.path(), true, found);
            }
        }
    }
    found.push(folder.to_owned());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    async fn changed(watch: &mut SourceWatch) -> BTreeSet<usize> {
        watch.changed().await.into_keys().collect()
    }

    #[tokio::test]
    async fn edits_are_gathered_and_told_by_project() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| root.path().canonicalize().unwrap().join(name);
        for name in ["one/src", "one/target", "two"] {
            fs::create_dir_all(folder(name)).unwrap();
        }
        let deep = |name: &str| vec![Watched { folder: folder(name), deep: true }];
        let mut watch = SourceWatch::of(vec![deep("one"), deep("two")]).unwrap();

        fs::write(folder("two/.hidden"), "").unwrap();
        fs::write(folder("one/target/made"), "").unwrap();
        fs::write(folder("one/src/lib.rs"), "").unwrap();
        assert_eq!(changed(&mut watch).await, BTreeSet::from([0]));

        // A folder that came later is watched too.
        fs::create_dir(folder("two/new")).unwrap();
        assert_eq!(changed(&mut watch).await, BTreeSet::from([1]));
        fs::write(folder("two/new/mod.rs"), "").unwrap();
        assert_eq!(changed(&mut watch).await, BTreeSet::from([1]));
    }
}

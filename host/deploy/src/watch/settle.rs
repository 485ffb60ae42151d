//! When has a changed file stood still for long enough to be read?

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::watch::scan::FileStamp;
use crate::watch::scan::FoundFile;
use crate::watch::scan::SiblingFile;

/// Watches the files of one app from scan to scan.
#[derive(Clone, Debug, Default)]
pub struct Settle {
    code: WatchedFile,
    manifest: WatchedFile,
    /// What stands before it, by name.
    before: BTreeMap<String, WatchedFile>,
    /// Whether what is there now was already taken for reading.
    taken: bool,
}

/// One file, or its absence.
#[derive(Clone, Debug, Default)]
struct WatchedFile {
    seen: Option<(FileStamp, PathBuf)>,
    /// From when on it counts as still. `None` = always.
    due: Option<Instant>,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing changed since it was taken.
    Idle,
    /// Wait until then and look again.
    Wait(Instant),
    /// Read it now. Said once for each change.
    Read,
}

/// How one look is to be taken.
#[derive(Clone, Copy)]
pub struct Observation<'a> {
    /// The moment of the scan.
    pub now: Instant,
    /// How long a written file must stand still.
    pub settle: Duration,
    /// How long a file must have been gone before it counts as removed.
    pub removal_grace: Duration,
    /// Whether an event said that this path was moved into place as a whole.
    pub moved: &'a dyn Fn(&Path) -> bool,
}

impl Settle {
    /// Takes in what a scan saw.
    pub fn look(
        &mut self,
        code: &FoundFile,
        manifest: Option<&FoundFile>,
        before: &[SiblingFile],
        look: Observation<'_>,
    ) -> Step {
        let mut changed = self.code.look(Some(code), self.taken, look);
        changed |= self.manifest.look(manifest, self.taken, look);
        self.before.retain(|name, _| before.iter().any(|beside| beside.name == *name));
        for beside in before {
            let part = self.before.entry(beside.name.clone()).or_default();
            changed |= part.look(beside.found_file(), self.taken, look);
        }
        if changed {
            self.taken = false;
        }
        if self.taken {
            return Step::Idle;
        }
        match self.due() {
            Some(due) if due > look.now => Step::Wait(due),
            _ => {
                self.taken = true;
                Step::Read
            }
        }
    }

    /// It moved while it was read: wait for stillness once more.
    pub fn again(&mut self, now: Instant, settle: Duration) {
        self.taken = false;
        self.code.due = Some(now + settle);
    }

    /// What it consists of turned out to be something else: read it once more, when that has stood still.
    pub fn once_more(&mut self) {
        self.taken = false;
    }

    /// Until when it has to be left alone, if it has.
    pub fn waits_until(&self) -> Option<Instant> {
        if self.taken { None } else { self.due() }
    }

    fn due(&self) -> Option<Instant> {
        let before = self.before.values().map(|part| part.due).max().flatten();
        self.code.due.max(self.manifest.due).max(before)
    }
}

impl WatchedFile {
    /// Whether there is a change.
    fn look(&mut self, found_file: Option<&FoundFile>, taken: bool, look: Observation<'_>) -> bool {
        let stamp = |seen: &(FileStamp, PathBuf)| seen.0;
        let changed = self.seen.as_ref().map(stamp) != found_file.map(|found_file| found_file.stamp)
            || self.seen.as_ref().map(|seen| &seen.1) != found_file.map(|found_file| &found_file.real);
        // The word that a file was moved into place may arrive after the file itself was seen.
        let is_whole = |found_file: &FoundFile| (look.moved)(&found_file.entry) || (look.moved)(&found_file.real);
        if !changed {
            if !taken && found_file.is_some_and(is_whole) {
                self.due = None;
            }
            return false;
        }
        let flipped = |found_file: &FoundFile| self.seen.as_ref().is_some_and(|seen| seen.1 != found_file.real);
        self.due = match found_file {
            Some(found_file) if is_whole(found_file) || flipped(found_file) => None,
            Some(found_file) => look.settle.checked_sub(found_file.age).map(|rest| look.now + rest),
            // It may be on its way to be replaced: whatever it says holds for as long as the component's own absence does.
            None => Some(look.now + look.settle.max(look.removal_grace)),
        };
        self.seen = found_file.map(|found_file| (found_file.stamp, found_file.real.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SETTLE: Duration = Duration::from_millis(500);
    const GRACE: Duration = Duration::from_secs(2);

    fn found_file(path: &Path, content: &str) -> FoundFile {
        fs::write(path, content).unwrap();
        let stamp = FileStamp::of(&fs::metadata(path).unwrap());
        FoundFile { entry: path.into(), real: path.into(), shown: "shop.wasm".into(), stamp, age: Duration::ZERO }
    }

    #[test]
    fn a_written_file_is_read_once_it_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.wasm");
        let (start, mut settle) = (Instant::now(), Settle::default());
        let at = |millis| Observation {
            now: start + Duration::from_millis(millis),
            settle: SETTLE,
            removal_grace: GRACE,
            moved: &|_| false,
        };
        let first = found_file(&path, "1");
        assert_eq!(settle.look(&first, None, &[], at(0)), Step::Wait(start + SETTLE));
        assert_eq!(settle.look(&first, None, &[], at(100)), Step::Wait(start + SETTLE));
        let second = found_file(&path, "12");
        assert_eq!(settle.look(&second, None, &[], at(400)), Step::Wait(start + Duration::from_millis(900)));
        assert_eq!(settle.look(&second, None, &[], at(900)), Step::Read);
        assert_eq!(settle.look(&second, None, &[], at(5000)), Step::Idle);
        settle.again(start + Duration::from_secs(6), SETTLE);
        assert_eq!(settle.look(&second, None, &[], at(6499)), Step::Wait(start + Duration::from_millis(6500)));
        assert_eq!(settle.look(&second, None, &[], at(6500)), Step::Read);
    }

    #[test]
    fn a_moved_or_an_old_file_is_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.wasm");
        let now = Instant::now();
        let look = |moved| Observation { now, settle: SETTLE, removal_grace: GRACE, moved };
        let file = found_file(&path, "1");
        assert_eq!(Settle::default().look(&file, None, &[], look(&|_| true)), Step::Read);
        let old = FoundFile { age: SETTLE * 2, ..file.clone() };
        assert_eq!(Settle::default().look(&old, None, &[], look(&|_| false)), Step::Read);

        // The scan may be faster than the event.
        let mut settle = Settle::default();
        assert_eq!(settle.look(&file, None, &[], look(&|_| false)), Step::Wait(now + SETTLE));
        assert_eq!(settle.look(&file, None, &[], look(&|_| true)), Step::Read);

        // A link that flips.
        let flipped = FoundFile { real: folder.path().join("other"), ..file };
        assert_eq!(settle.look(&flipped, None, &[], look(&|_| false)), Step::Read);
    }

    #[test]
    fn what_stands_before_an_app_settles_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let code = FoundFile { age: SETTLE * 2, ..found_file(&folder.path().join("shop.wasm"), "1") };
        let (now, mut settle) = (Instant::now(), Settle::default());
        let look = Observation { now, settle: SETTLE, removal_grace: GRACE, moved: &|_| false };
        assert_eq!(settle.look(&code, None, &[], look), Step::Read);
        let auth = |file| [SiblingFile { name: "_auth.wasm".to_owned(), file }];
        // The manifest was read, and names a file that is not there.
        settle.once_more();
        assert_eq!(settle.look(&code, None, &auth(None), look), Step::Read);
        assert_eq!(settle.look(&code, None, &auth(None), look), Step::Idle);
        let written = auth(Some(Ok(found_file(&folder.path().join("_auth.wasm"), "1"))));
        assert_eq!(settle.look(&code, None, &written, look), Step::Wait(now + SETTLE));
        let later = Observation { now: now + SETTLE, ..look };
        assert_eq!(settle.look(&code, None, &written, later), Step::Read);
        assert_eq!(settle.look(&code, None, &written, later), Step::Idle);
        assert_eq!(settle.look(&code, None, &auth(None), later), Step::Wait(now + SETTLE + GRACE));
        // What it has nothing to do with any more does not matter.
        assert_eq!(settle.look(&code, None, &[], later), Step::Read);
    }

    #[test]
    fn code_and_manifest_settle_together() {
        let folder = tempfile::tempdir().unwrap();
        let code = FoundFile { age: SETTLE * 2, ..found_file(&folder.path().join("shop.wasm"), "1") };
        let manifest = found_file(&folder.path().join("shop.toml"), "");
        let (now, mut settle) = (Instant::now(), Settle::default());
        let look = Observation { now, settle: SETTLE, removal_grace: GRACE, moved: &|_| false };
        assert_eq!(settle.look(&code, None, &[], look), Step::Read);
        assert_eq!(settle.look(&code, Some(&manifest), &[], look), Step::Wait(now + SETTLE));
        assert_eq!(settle.look(&code, Some(&manifest), &[], Observation { now: now + SETTLE, ..look }), Step::Read);
        // A manifest that vanishes may be on its way to be replaced: it is waited for as long as for a component.
        let gone = now + SETTLE;
        assert_eq!(settle.look(&code, None, &[], Observation { now: gone, ..look }), Step::Wait(gone + GRACE));
        let saved = FoundFile { stamp: FileStamp { inode: 1, ..manifest.stamp }, ..manifest };
        let back = Observation { now: gone + SETTLE, ..look };
        assert_eq!(settle.look(&code, Some(&saved), &[], back), Step::Wait(gone + SETTLE * 2));
        assert_eq!(settle.look(&code, Some(&saved), &[], Observation { now: gone + SETTLE * 2, ..look }), Step::Read);
        assert_eq!(
            settle.look(&code, None, &[], Observation { now: gone + SETTLE * 2, ..look }),
            Step::Wait(gone + SETTLE * 2 + GRACE)
        );
        assert_eq!(settle.look(&code, None, &[], Observation { now: gone + SETTLE * 2 + GRACE, ..look }), Step::Read);
    }
}

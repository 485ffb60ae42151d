//! One host per state directory.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use guesthouse_types::private;
use rustix::process::Pid;

use crate::state_dir::unwritable::unwritable;

/// How often it is looked whether what a killed host left still has the lock: two seconds in all.
const ORPHAN_LOOKS: u32 = 100;
/// How long it is waited between two looks.
const ORPHAN_LOOK: Duration = Duration::from_millis(20);

/// The right to write to the state directory. Given back by the system when the process ends, however it ends.
pub struct Lock {
    state: PathBuf,
    // Held for a few calls to the file system, on threads that may block; no await is inside.
    file: Mutex<File>,
}

/// What a look at the lock found.
#[derive(Debug, PartialEq, Eq)]
pub enum LockCheck {
    /// The state directory is the one that was locked.
    Same,
    /// It was removed, with everything in it: it is made anew, and locked.
    Anew,
}

impl Lock {
    /// Takes the lock of `state`, or says who has it.
    pub fn take(state: &Path) -> Result<Lock, String> {
        Ok(Lock { state: state.to_owned(), file: Mutex::new(locked(state)?) })
    }

    /// Makes sure that what lies at the path of the state directory is still ours. Else another host may have taken it
    /// meanwhile, and both would write there. Blocks.
    pub fn keep(&self) -> Result<LockCheck, String> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let held = file.metadata().map(identity).ok();
        match fs::metadata(path(&self.state)).map(identity) {
            Ok(found) if held == Some(found) => return Ok(LockCheck::Same),
            // It cannot be told: nothing that would help here.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(&self.state, &error)),
            _ => {}
        }
        private::folder(&self.state).map_err(|error| unwritable(&self.state, &error))?;
        *file = locked(&self.state)?;
        Ok(LockCheck::Anew)
    }

    /// Gives it back before the process ends.
    pub fn give_back(&self) {
        // Fails only if there is nothing to give back.
        let _ = self.file.lock().unwrap_or_else(PoisonError::into_inner).unlock();
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("lock")
}

fn locked(state: &Path) -> Result<File, String> {
    let path = path(state);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(|error| unwritable(state, &error))?;
    let mut looks = 0;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                // A host that was killed while it started a compile child: the child has the lock until it is really
                // begun. So it is waited for, but not for a host that is there.
                if holder.is_some_and(is_alive) || looks == ORPHAN_LOOKS {
                    return Err(taken(state, holder));
                }
                looks += 1;
                std::thread::sleep(ORPHAN_LOOK);
            }
            Err(TryLockError::Error(error)) => return Err(format!("cannot lock `{}`: {error}", path.display())),
        }
    }
    // For the message below only: a disk that is full does not matter.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}

/// Who wrote its number there.
fn holder(file: &mut File) -> Option<Pid> {
    let mut pid = String::new();
    file.rewind().ok()?;
    file.take(20).read_to_string(&mut pid).ok()?;
    Pid::from_raw(pid.trim().parse().ok()?)
}

/// Whether there is such a process here. One that we may not ask is there all the same.
fn is_alive(pid: Pid) -> bool {
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

fn taken(state: &Path, holder: Option<Pid>) -> String {
    let who = holder.map_or("another process".to_owned(), |pid| format!("process {pid}"));
    format!("`{}` is in use by {who}: is another guesthouse running? give this one its own --state", state.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_host_is_told_of_the_first() {
        let state = tempfile::tempdir().unwrap();
        let lock = Lock::take(state.path()).unwrap();
        let error = Lock::take(state.path()).err().unwrap();
        assert_eq!(
            error,
            format!(
                "`{}` is in use by process {}: is another guesthouse running? give this one its own --state",
                state.path().display(),
                std::process::id()
            )
        );
        drop(lock);
        assert!(Lock::take(state.path()).is_ok());
    }

    #[test]
    fn what_a_killed_host_left_is_waited_for() {
        let state = tempfile::tempdir().unwrap();
        let lock = Lock::take(state.path()).unwrap();
        // No process has such a number.
        fs::write(path(state.path()), i32::MAX.to_string()).unwrap();
        let orphan = std::thread::spawn(move || {
            std::thread::sleep(ORPHAN_LOOK * 5);
            drop(lock);
        });
        assert!(Lock::take(state.path()).is_ok());
        orphan.join().unwrap();
    }

    #[test]
    fn a_directory_that_was_removed_is_locked_anew_unless_another_host_was_faster() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        fs::create_dir(&state).unwrap();
        let lock = Lock::take(&state).unwrap();
        assert_eq!(lock.keep(), Ok(LockCheck::Same));
        fs::remove_dir_all(&state).unwrap();
        assert_eq!(lock.keep(), Ok(LockCheck::Anew));
        assert_eq!(lock.keep(), Ok(LockCheck::Same));
        assert!(Lock::take(&state).is_err(), "the new one is locked");

        fs::remove_dir_all(&state).unwrap();
        fs::create_dir(&state).unwrap();
        let other = Lock::take(&state).unwrap();
        assert!(lock.keep().unwrap_err().contains("in use by process"));
        drop(other);
        assert_eq!(lock.keep(), Ok(LockCheck::Anew));

        fs::remove_dir_all(&state).unwrap();
        fs::write(&state, "").unwrap();
        assert!(lock.keep().unwrap_err().contains("was removed or replaced"));
    }
}

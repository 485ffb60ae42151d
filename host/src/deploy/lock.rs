//! One host per state directory.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The right to write to the state directory. Given back by the system when the process ends, however it ends.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `state`, or says who has it.
    pub fn take(state: &Path) -> Result<Lock, String> {
        let path = state.join("lock");
        let error = |error: io::Error| format!("cannot lock `{}`: {error}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(state, file)),
            Err(TryLockError::Error(cause)) => return Err(error(cause)),
        }
        // For the message above only: a disk that is full does not matter.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }
}

fn taken(state: &Path, file: File) -> String {
    let mut pid = String::new();
    let _ = file.take(20).read_to_string(&mut pid);
    let who = match pid.trim() {
        "" => "another process".to_owned(),
        pid => format!("process {pid}"),
    };
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
}

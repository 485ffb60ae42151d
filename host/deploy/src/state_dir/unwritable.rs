//! Why the state directory cannot be written to, and what to do about it, in one sentence.

use std::io;
use std::path::Path;

/// Says it for the operator. The same cause gives the same sentence, so that it is said once.
pub fn unwritable(folder: &Path, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull => ": its file system is full, make room there",
        io::ErrorKind::QuotaExceeded => ": the quota of the host's user is used up, make room or raise it",
        io::ErrorKind::ReadOnlyFilesystem => ": mount it writable, or choose another directory with --state",
        io::ErrorKind::PermissionDenied => {
            ": let the host's user write there, or choose another directory with --state"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ": it was removed or replaced",
        _ => "",
    };
    format!("cannot write to the state directory `{}`: {error}{advice}", folder.display())
}

/// Whether more room would help.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(errno: rustix::io::Errno, expected: &str) {
        assert_eq!(unwritable(Path::new("/state"), &errno.into()), expected);
    }

    #[test]
    fn each_cause_has_its_way_out() {
        check(
            rustix::io::Errno::NOSPC,
            "cannot write to the state directory `/state`: No space left on device (os error 28): its file system is \
             full, make room there",
        );
        check(
            rustix::io::Errno::ROFS,
            "cannot write to the state directory `/state`: Read-only file system (os error 30): mount it writable, or \
             choose another directory with --state",
        );
        check(rustix::io::Errno::IO, "cannot write to the state directory `/state`: Input/output error (os error 5)");
        assert!(is_full(&rustix::io::Errno::DQUOT.into()) && !is_full(&rustix::io::Errno::ROFS.into()));
    }
}

//! The limit of open files, and who gets how many: every connection needs one, every file that is being sent, every file
//! that a guest has open, and every connection of a guest to the outside.

use rustix::process::Resource;
use rustix::process::Rlimit;

/// Raises the soft limit to the hard one, and gives what holds then.
pub fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
    let raised = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let holds = if raised.is_ok() { maximum } else { current };
    holds.unwrap_or(u64::MAX)
}

/// How many of them guests may have open together: visitors come first.
pub fn of_guests(descriptors: u64) -> usize {
    usize::try_from(descriptors / 4).unwrap_or(usize::MAX)
}

/// How many connections to the outside guests may have together.
pub fn of_outbound(descriptors: u64) -> usize {
    usize::try_from(descriptors / 16).unwrap_or(usize::MAX).max(1)
}

/// How many of them the host may have open together to send them.
pub fn of_files(descriptors: u64) -> usize {
    usize::try_from(descriptors / 8).unwrap_or(usize::MAX).max(1)
}

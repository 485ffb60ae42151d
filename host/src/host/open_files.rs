//! The limit of open files: every connection needs one.

use rustix::process::Resource;
use rustix::process::Rlimit;

/// Raises the soft limit to the hard one, and gives what holds then.
pub fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
    let raised = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let holds = if raised.is_ok() { maximum } else { current };
    holds.unwrap_or(u64::MAX)
}

//! How many pools of memory the C library's allocator keeps: what one of them has had is not there for the others.

/// Allows one for each core, and at least two. glibc would make eight for each, and every thread that reads or writes a
/// file for the deploy path would have one of its own: after thousands of swaps the process holds some MiB more for it.
/// `MALLOC_ARENA_MAX` in the environment takes precedence. Call it before there are threads.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "a function of the C library")]
pub fn limit() {
    let cores = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
        // SAFETY: `mallopt` takes two integers, and locks the allocator's state itself. A value that it does not take
        // changes nothing, and is no harm.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, i32::try_from(cores).unwrap_or(i32::MAX)) };
    }
}

/// Other C libraries have other allocators.
#[cfg(not(target_env = "gnu"))]
pub fn limit() {}

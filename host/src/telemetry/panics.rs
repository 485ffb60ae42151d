//! A panic is a line of the log: the standard library would write it to stderr itself, and wait for whoever reads there.

use std::backtrace::Backtrace;
use std::backtrace::BacktraceStatus;
use std::panic::PanicHookInfo;

use tracing::error;

/// Has panics logged from now on.
pub fn log() {
    std::panic::set_hook(Box::new(log_panic));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let what = panic.payload_as_str().unwrap_or("a panic without words");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    // With RUST_BACKTRACE alone, as the standard library does.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    error!(target: "guesthouse::log", thread, backtrace, "a bug of guesthouse at {place}: {what}");
}

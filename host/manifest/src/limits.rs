//! The limits of an app: what a manifest asks for in `[limits]`, and what an operator's ceilings and defaults are.

use std::time::Duration;

use guesthouse_types::units::Size;
use guesthouse_types::units::Span;

use crate::table::table;

table! {
    /// Limits by their written names. What is not named is left as it is.
    pub struct LimitTable;

    /// All limits of one app, none left out.
    pub struct Limits;

    /// Linear memory of one instance.
    memory: Size { default: mib(128), ceiling: mib(512), no_ceiling: ADDRESSED, may_be_zero: false }
    /// CPU time of one request.
    cpu: Span { default: seconds(30), ceiling: seconds(60), no_ceiling: EVER, may_be_zero: false }
    /// From the call to the response's head.
    head: Span { default: seconds(30), ceiling: seconds(120), no_ceiling: EVER, may_be_zero: false }
    /// Between two pieces of the response's body.
    body_idle: Span { default: seconds(60), ceiling: seconds(600), no_ceiling: EVER, may_be_zero: false }
    /// Length of a request's body.
    request_body: Size { default: mib(16), ceiling: mib(64), no_ceiling: Size(u64::MAX), may_be_zero: true }
    /// Length of a buffered (gateway) response's body.
    response_body: Size { default: mib(16), ceiling: mib(64), no_ceiling: Size(u64::MAX), may_be_zero: true }
    /// Requests that run at the same moment.
    concurrency: u32 { default: 64, ceiling: 256, no_ceiling: u32::MAX, may_be_zero: false }
    /// Requests that may wait for one of those to end.
    queue: u32 { default: 64, ceiling: 1024, no_ceiling: u32::MAX, may_be_zero: true }
    /// How long they wait.
    queue_wait: Span { default: seconds(1), ceiling: seconds(10), no_ceiling: EVER, may_be_zero: true }
    /// How long requests may go on after their revision was replaced.
    drain: Span { default: seconds(30), ceiling: seconds(300), no_ceiling: EVER, may_be_zero: true }
    /// Lines of output that are logged in a second.
    log_lines_per_second: u32 { default: 100, ceiling: 1000, no_ceiling: u32::MAX, may_be_zero: true }
    /// What all instances together may have in their folders `/tmp`; zero is no such folder.
    tmp: Size { default: Size(0), ceiling: mib(64), no_ceiling: Size(u64::MAX), may_be_zero: true }
}

/// What a 32-bit guest can address.
const ADDRESSED: Size = Size(4 << 30);

const EVER: Span = seconds(365 * 86_400);

const fn mib(count: u64) -> Size {
    Size(count << 20)
}

const fn seconds(count: u64) -> Span {
    Span(Duration::from_secs(count))
}

impl LimitTable {
    /// Says which of them would stop the app from ever answering, because it is zero.
    pub fn check(&self) -> Result<(), String> {
        match self.zeros().first() {
            Some(name) => Err(format!("`limits`: `{name}` is zero: the app could never answer")),
            None => Ok(()),
        }
    }
}

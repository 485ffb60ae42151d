//! The table of limits as it is written down: what a manifest asks for, and what an operator's ceilings and defaults are.

use std::time::Duration;

use guesthouse_app::app::AppLimits;
use guesthouse_sandbox::limits::Limits;
use guesthouse_types::units::Size;
use guesthouse_types::units::Span;
use serde::Deserialize;

/// Limits by their written names. What is not named is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitTable {
    /// Linear memory of one instance.
    pub memory: Option<Size>,
    /// CPU time of one request.
    pub cpu: Option<Span>,
    /// From the call to the response's head.
    pub head: Option<Span>,
    /// Between two pieces of the response's body.
    pub body_idle: Option<Span>,
    /// Length of a request's body.
    pub request_body: Option<Size>,
    /// Length of a buffered (gateway) response's body.
    pub response_body: Option<Size>,
    /// Requests that run at the same moment.
    pub concurrency: Option<u32>,
    /// Requests that may wait for one of those to end.
    pub queue: Option<u32>,
    /// How long they wait.
    pub queue_wait: Option<Span>,
    /// How long requests may go on after their revision was replaced.
    pub drain: Option<Span>,
    /// Lines of output that are logged in a second.
    pub log_lines_per_second: Option<u32>,
    /// What all instances together may have in their folders `/tmp`.
    pub tmp: Option<Size>,
}

/// All limits of one app, none left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What the sandbox holds the guest to.
    pub guest: Limits,
    /// What the host lets the app have at once.
    pub app: AppLimits,
    /// Lines of output that are logged in a second.
    pub log_lines_per_second_max: u32,
    /// What all instances together may have in their folders `/tmp`, in bytes; zero is no such folder.
    pub tmp_bytes_max: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { guest: Limits::default(), app: AppLimits::default(), log_lines_per_second_max: 100, tmp_bytes_max: 0 }
    }
}

impl LimitTable {
    /// This table, with what `over` names taken from there.
    pub fn overlaid(&self, over: &LimitTable) -> LimitTable {
        LimitTable {
            memory: over.memory.or(self.memory),
            cpu: over.cpu.or(self.cpu),
            head: over.head.or(self.head),
            body_idle: over.body_idle.or(self.body_idle),
            request_body: over.request_body.or(self.request_body),
            response_body: over.response_body.or(self.response_body),
            concurrency: over.concurrency.or(self.concurrency),
            queue: over.queue.or(self.queue),
            queue_wait: over.queue_wait.or(self.queue_wait),
            drain: over.drain.or(self.drain),
            log_lines_per_second: over.log_lines_per_second.or(self.log_lines_per_second),
            tmp: over.tmp.or(self.tmp),
        }
    }

    /// Every limit that is asked for here and lies above `ceiling`, as `memory = 1GiB (at most 256MiB)`.
    pub fn above(&self, ceiling: &LimitTable) -> Vec<String> {
        let mut found = Vec::new();
        compare(&mut found, "memory", self.memory, ceiling.memory);
        compare(&mut found, "cpu", self.cpu, ceiling.cpu);
        compare(&mut found, "head", self.head, ceiling.head);
        compare(&mut found, "body_idle", self.body_idle, ceiling.body_idle);
        compare(&mut found, "request_body", self.request_body, ceiling.request_body);
        compare(&mut found, "response_body", self.response_body, ceiling.response_body);
        compare(&mut found, "concurrency", self.concurrency, ceiling.concurrency);
        compare(&mut found, "queue", self.queue, ceiling.queue);
        compare(&mut found, "queue_wait", self.queue_wait, ceiling.queue_wait);
        compare(&mut found, "drain", self.drain, ceiling.drain);
        compare(&mut found, "log_lines_per_second", self.log_lines_per_second, ceiling.log_lines_per_second);
        compare(&mut found, "tmp", self.tmp, ceiling.tmp);
        found
    }

    /// Those limits of this table that would stop an app from ever answering when they are zero.
    pub fn zeros(&self) -> Vec<&'static str> {
        let nothing = Some(Span(Duration::ZERO));
        let mut found = Vec::new();
        let mut check = |name, zero: bool| {
            if zero {
                found.push(name);
            }
        };
        check("memory", self.memory == Some(Size(0)));
        check("cpu", self.cpu == nothing);
        check("head", self.head == nothing);
        check("body_idle", self.body_idle == nothing);
        check("concurrency", self.concurrency == Some(0));
        found
    }

    /// Sets in `bounds` what this table names.
    pub fn set(&self, bounds: &mut Bounds) {
        let Bounds { guest, app, log_lines_per_second_max, tmp_bytes_max } = bounds;
        let size = |target: &mut u64, asked: Option<Size>| *target = asked.map_or(*target, |size| size.0);
        let span = |target: &mut Duration, asked: Option<Span>| *target = asked.map_or(*target, |span| span.0);
        let count = |target: &mut usize, asked: Option<u32>| *target = asked.map_or(*target, |count| count as usize);
        size(&mut guest.memory_bytes_max, self.memory);
        span(&mut guest.cpu, self.cpu);
        span(&mut guest.head, self.head);
        span(&mut guest.body_idle, self.body_idle);
        size(&mut guest.response_bytes_max, self.response_body);
        size(&mut app.request_bytes_max, self.request_body);
        size(tmp_bytes_max, self.tmp);
        count(&mut app.concurrency, self.concurrency);
        count(&mut app.queue, self.queue);
        span(&mut app.queue_wait, self.queue_wait);
        span(&mut app.drain, self.drain);
        *log_lines_per_second_max = self.log_lines_per_second.unwrap_or(*log_lines_per_second_max);
    }

    /// Lowers in `bounds` what lies above this table.
    pub fn cap(&self, bounds: &mut Bounds) {
        let Bounds { guest, app, log_lines_per_second_max, tmp_bytes_max } = bounds;
        let size = |target: &mut u64, most: Option<Size>| *target = most.map_or(*target, |size| size.0.min(*target));
        let span = |target: &mut Duration, most: Option<Span>| {
            *target = most.map_or(*target, |span| span.0.min(*target));
        };
        let count = |target: &mut usize, most: Option<u32>| {
            *target = most.map_or(*target, |count| (*target).min(count as usize));
        };
        size(&mut guest.memory_bytes_max, self.memory);
        span(&mut guest.cpu, self.cpu);
        span(&mut guest.head, self.head);
        span(&mut guest.body_idle, self.body_idle);
        size(&mut guest.response_bytes_max, self.response_body);
        size(&mut app.request_bytes_max, self.request_body);
        size(tmp_bytes_max, self.tmp);
        count(&mut app.concurrency, self.concurrency);
        count(&mut app.queue, self.queue);
        span(&mut app.queue_wait, self.queue_wait);
        span(&mut app.drain, self.drain);
        let most = self.log_lines_per_second.unwrap_or(u32::MAX);
        *log_lines_per_second_max = (*log_lines_per_second_max).min(most);
    }
}

fn compare<T: PartialOrd + std::fmt::Display>(found: &mut Vec<String>, name: &str, asked: Option<T>, most: Option<T>) {
    if let (Some(asked), Some(most)) = (asked, most)
        && asked > most
    {
        found.push(format!("`{name} = {asked}` (at most {most})"));
    }
}

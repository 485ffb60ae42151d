//! Which connection has had its time: the rules, without any clock or socket.

use std::time::Duration;

use crate::settings::ServeSettings;
use crate::track::clock::Moment;
use crate::track::clock::NEVER;

/// How long a connection may stay after our last word. On HTTP/1 we read on, so that a visitor who is still sending learns
/// of the response before the kernel resets the connection; on HTTP/2 the visitor is to answer our GOAWAY.
const PARTING_MILLIS: u64 = 1000;

/// What a connection's task is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloseOrder {
    /// Nothing.
    Stay,
    /// Finish what has begun, then close.
    Close,
    /// End at once.
    Cut,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1; also while it is not known yet.
    Http1,
    /// HTTP/2 without TLS, by prior knowledge.
    Http2,
}

/// One look at a connection.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What is spoken.
    pub protocol: Protocol,
    /// Requests in flight.
    pub requests: usize,
    /// Whether a request ever came.
    pub served: bool,
    /// Accept, or the end of the last request.
    pub waiting_since: Moment,
    /// When the first byte of the next head came.
    pub head_since: Moment,
    /// Since when the socket takes no more from us.
    pub blocked_since: Moment,
    /// The oldest moment at which a piece of a body was handed over and no other was asked for since.
    pub handed_since: Moment,
    /// When it was told to close.
    pub closing_since: Moment,
    /// When we had said our last word and only read on.
    pub lingering_since: Moment,
}

/// The lengths of time that are allowed, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    head: u64,
    idle: u64,
    write: u64,
}

impl Timeouts {
    /// Those that the settings name.
    pub fn new(settings: &ServeSettings) -> Timeouts {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Timeouts {
            head: millis(settings.head_timeout),
            idle: millis(settings.keep_alive_idle),
            write: millis(settings.write_idle),
        }
    }

    /// How often to look, so that a bound is met about to a tenth.
    pub fn period(&self) -> Duration {
        let shortest = self.head.min(self.idle).min(self.write);
        Duration::from_millis((shortest / 10).clamp(5, 500))
    }
}

/// What to tell a connection at `now`.
pub fn verdict(seen: &Observed, now: Moment, bounds: &Timeouts) -> CloseOrder {
    let over = |since: Moment, bound: u64| since != NEVER && now.saturating_sub(since) > bound;
    let http2 = seen.protocol == Protocol::Http2;

    if over(seen.lingering_since, PARTING_MILLIS) || over(seen.blocked_since, bounds.write) {
        return CloseOrder::Cut;
    }
    if over(seen.handed_since, bounds.write) {
        // A stream that nobody reads must not end its siblings at once: first GOAWAY, and the cut when that did not help.
        return if http2 && !over(seen.closing_since, bounds.write) { CloseOrder::Close } else { CloseOrder::Cut };
    }
    if seen.requests > 0 {
        return CloseOrder::Stay;
    }
    let last_word = if seen.closing_since == NEVER { NEVER } else { seen.closing_since.max(seen.waiting_since) };
    if over(last_word, if http2 { PARTING_MILLIS } else { bounds.write }) {
        return CloseOrder::Cut;
    }
    // On HTTP/2 bytes come between requests as well (pings, window updates): there only the whole silence counts.
    let head_since = match (http2, seen.served) {
        (true, _) => NEVER,
        (false, false) => seen.waiting_since,
        (false, true) => seen.head_since,
    };
    if over(head_since, bounds.head) {
        CloseOrder::Cut
    } else if over(seen.waiting_since, bounds.idle) {
        CloseOrder::Close
    } else {
        CloseOrder::Stay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Observed = Observed {
        protocol: Protocol::Http1,
        requests: 0,
        served: false,
        waiting_since: 1,
        head_since: NEVER,
        blocked_since: NEVER,
        handed_since: NEVER,
        closing_since: NEVER,
        lingering_since: NEVER,
    };
    const IDLE: Observed = Observed { served: true, ..NEW };
    const BUSY: Observed = Observed { requests: 1, ..IDLE };

    fn check(what: &str, seen: &Observed, after_seconds: u64, expected: CloseOrder) {
        let bounds = Timeouts::new(&ServeSettings::default());
        assert_eq!(verdict(seen, 1 + after_seconds * 1000, &bounds), expected, "{what} after {after_seconds} s");
    }

    #[test]
    fn a_head_must_come_in_time() {
        check("a new connection", &NEW, 10, CloseOrder::Stay);
        check("a new connection", &NEW, 11, CloseOrder::Cut);
        check("a new connection that drips", &Observed { head_since: 9_000, ..NEW }, 11, CloseOrder::Cut);
        check("a later head", &Observed { head_since: 50_001, ..IDLE }, 60, CloseOrder::Stay);
        check("a later head", &Observed { head_since: 50_001, ..IDLE }, 61, CloseOrder::Cut);
    }

    #[test]
    fn an_idle_connection_is_closed() {
        check("idle", &IDLE, 75, CloseOrder::Stay);
        check("idle", &IDLE, 76, CloseOrder::Close);
        check("idle h2", &Observed { protocol: Protocol::Http2, head_since: 2, ..IDLE }, 75, CloseOrder::Stay);
        check("idle h2", &Observed { protocol: Protocol::Http2, ..NEW }, 76, CloseOrder::Close);
        check("closed", &Observed { closing_since: 76_001, ..IDLE }, 136, CloseOrder::Close);
        check("closed", &Observed { closing_since: 76_001, ..IDLE }, 137, CloseOrder::Cut);
        let http2 = Observed { protocol: Protocol::Http2, closing_since: 20_001, waiting_since: 30_001, ..IDLE };
        check("closed h2", &http2, 31, CloseOrder::Stay);
        check("closed h2", &http2, 32, CloseOrder::Cut);
        check("busy", &BUSY, 1000, CloseOrder::Stay);
    }

    #[test]
    fn a_visitor_who_does_not_read_is_cut() {
        check("blocked", &Observed { blocked_since: 1, ..BUSY }, 60, CloseOrder::Stay);
        check("blocked", &Observed { blocked_since: 1, ..BUSY }, 61, CloseOrder::Cut);
        check("not asked for more", &Observed { handed_since: 1, ..BUSY }, 61, CloseOrder::Cut);
        let stream = Observed { protocol: Protocol::Http2, handed_since: 1, ..BUSY };
        check("h2 stream", &stream, 61, CloseOrder::Close);
        check("h2 stream", &Observed { closing_since: 61_001, ..stream }, 122, CloseOrder::Cut);
    }

    #[test]
    fn nobody_lingers() {
        check("lingering", &Observed { lingering_since: 1, ..IDLE }, 1, CloseOrder::Stay);
        check("lingering", &Observed { lingering_since: 1, ..IDLE }, 2, CloseOrder::Cut);
    }
}

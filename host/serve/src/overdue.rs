//! Which connection has had its time: the rules, without any clock or socket.

use std::time::Duration;

use crate::clock::Moment;
use crate::clock::NEVER;
use crate::settings::ServeSettings;

/// How long a connection may stay after our last word. On HTTP/1 we read on, so that a visitor who is still sending learns
/// of the response before the kernel resets the connection; on HTTP/2 the visitor is to answer our GOAWAY.
const PARTING_MILLIS: u64 = 1000;

/// What a connection's task is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
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
pub struct Seen {
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
pub struct Bounds {
    head: u64,
    idle: u64,
    write: u64,
}

impl Bounds {
    /// Those that the settings name.
    pub fn new(settings: &ServeSettings) -> Bounds {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Bounds {
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
pub fn verdict(seen: &Seen, now: Moment, bounds: &Bounds) -> Order {
    let over = |since: Moment, bound: u64| since != NEVER && now.saturating_sub(since) > bound;
    let http2 = seen.protocol == Protocol::Http2;

    if over(seen.lingering_since, PARTING_MILLIS) || over(seen.blocked_since, bounds.write) {
        return Order::Cut;
    }
    if over(seen.handed_since, bounds.write) {
        // A stream that nobody reads must not end its siblings at once: first GOAWAY, and the cut when that did not help.
        return if http2 && !over(seen.closing_since, bounds.write) { Order::Close } else { Order::Cut };
    }
    if seen.requests > 0 {
        return Order::Stay;
    }
    let last_word = if seen.closing_since == NEVER { NEVER } else { seen.closing_since.max(seen.waiting_since) };
    if over(last_word, if http2 { PARTING_MILLIS } else { bounds.write }) {
        return Order::Cut;
    }
    // On HTTP/2 bytes come between requests as well (pings, window updates): there only the whole silence counts.
    let head_since = match (http2, seen.served) {
        (true, _) => NEVER,
        (false, false) => seen.waiting_since,
        (false, true) => seen.head_since,
    };
    if over(head_since, bounds.head) {
        Order::Cut
    } else if over(seen.waiting_since, bounds.idle) {
        Order::Close
    } else {
        Order::Stay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Seen = Seen {
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
    const IDLE: Seen = Seen { served: true, ..NEW };
    const BUSY: Seen = Seen { requests: 1, ..IDLE };

    fn check(what: &str, seen: &Seen, after_seconds: u64, expected: Order) {
        let bounds = Bounds::new(&ServeSettings::default());
        assert_eq!(verdict(seen, 1 + after_seconds * 1000, &bounds), expected, "{what} after {after_seconds} s");
    }

    #[test]
    fn a_head_must_come_in_time() {
        check("a new connection", &NEW, 10, Order::Stay);
        check("a new connection", &NEW, 11, Order::Cut);
        check("a new connection that drips", &Seen { head_since: 9_000, ..NEW }, 11, Order::Cut);
        check("a later head", &Seen { head_since: 50_001, ..IDLE }, 60, Order::Stay);
        check("a later head", &Seen { head_since: 50_001, ..IDLE }, 61, Order::Cut);
    }

    #[test]
    fn an_idle_connection_is_closed() {
        check("idle", &IDLE, 75, Order::Stay);
        check("idle", &IDLE, 76, Order::Close);
        check("idle h2", &Seen { protocol: Protocol::Http2, head_since: 2, ..IDLE }, 75, Order::Stay);
        check("idle h2", &Seen { protocol: Protocol::Http2, ..NEW }, 76, Order::Close);
        check("closed", &Seen { closing_since: 76_001, ..IDLE }, 136, Order::Close);
        check("closed", &Seen { closing_since: 76_001, ..IDLE }, 137, Order::Cut);
        let http2 = Seen { protocol: Protocol::Http2, closing_since: 20_001, waiting_since: 30_001, ..IDLE };
        check("closed h2", &http2, 31, Order::Stay);
        check("closed h2", &http2, 32, Order::Cut);
        check("busy", &BUSY, 1000, Order::Stay);
    }

    #[test]
    fn a_visitor_who_does_not_read_is_cut() {
        check("blocked", &Seen { blocked_since: 1, ..BUSY }, 60, Order::Stay);
        check("blocked", &Seen { blocked_since: 1, ..BUSY }, 61, Order::Cut);
        check("not asked for more", &Seen { handed_since: 1, ..BUSY }, 61, Order::Cut);
        let stream = Seen { protocol: Protocol::Http2, handed_since: 1, ..BUSY };
        check("h2 stream", &stream, 61, Order::Close);
        check("h2 stream", &Seen { closing_since: 61_001, ..stream }, 122, Order::Cut);
    }

    #[test]
    fn nobody_lingers() {
        check("lingering", &Seen { lingering_since: 1, ..IDLE }, 1, Order::Stay);
        check("lingering", &Seen { lingering_since: 1, ..IDLE }, 2, Order::Cut);
    }
}

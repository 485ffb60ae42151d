//! What one connection is doing, shared by its task and the watch over all connections.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use crate::track::chunks::Framing;
use crate::track::clock::Clock;
use crate::track::clock::Moment;
use crate::track::clock::NEVER;
use crate::track::timeouts::CloseOrder;
use crate::track::timeouts::Observed;
use crate::track::timeouts::Protocol;

/// How a chunked body is written where others have a length. hyper keeps the largest lengths for itself.
const CHUNKED: u64 = u64::MAX;

/// One connection's state. All figures are hints for the watch: none of them guards memory, so `Relaxed` does.
pub struct Activity {
    clock: Clock,
    http2: AtomicBool,
    requests: AtomicUsize,
    served: AtomicBool,
    waiting_since: AtomicU64,
    head_since: AtomicU64,
    blocked_since: AtomicU64,
    closing_since: AtomicU64,
    lingering_since: AtomicU64,
    /// Whether the visitor may still be sending a body that nobody reads.
    unread: AtomicBool,
    /// The body of the request that hyper has read last, until the socket has heard of it; 0 is none. No hint: both are of
    /// the connection's own task.
    framing: AtomicU64,
    /// The bodies that are being streamed. Locked for a push or a walk, never across an await.
    streams: Mutex<Vec<Weak<AtomicU64>>>,
    order: AtomicU8,
    wake: Notify,
}

impl Activity {
    /// A connection that was just accepted.
    pub fn new(clock: Clock) -> Activity {
        let waiting_since = AtomicU64::new(clock.now());
        Activity {
            clock,
            http2: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            served: AtomicBool::new(false),
            waiting_since,
            head_since: AtomicU64::new(NEVER),
            blocked_since: AtomicU64::new(NEVER),
            closing_since: AtomicU64::new(NEVER),
            lingering_since: AtomicU64::new(NEVER),
            unread: AtomicBool::new(false),
            framing: AtomicU64::new(0),
            streams: Mutex::new(Vec::new()),
            order: AtomicU8::new(CloseOrder::Stay as u8),
            wake: Notify::new(),
        }
    }

    /// The protocol was recognised.
    pub fn speaks(&self, protocol: Protocol) {
        self.http2.store(protocol == Protocol::Http2, Ordering::Relaxed);
    }

    /// What is spoken.
    pub fn protocol(&self) -> Protocol {
        if self.http2.load(Ordering::Relaxed) { Protocol::Http2 } else { Protocol::Http1 }
    }

    /// Bytes came. Without a request in flight they are the beginning of a head.
    pub fn arrived(&self) {
        if self.requests.load(Ordering::Relaxed) == 0 && self.head_since.load(Ordering::Relaxed) == NEVER {
            self.head_since.store(self.clock.now(), Ordering::Relaxed);
        }
    }

    /// The socket took bytes, or it did not.
    pub fn wrote(&self, progress: bool) {
        let blocked = self.blocked_since.load(Ordering::Relaxed) != NEVER;
        if progress == blocked {
            let since = if progress { NEVER } else { self.clock.now() };
            self.blocked_since.store(since, Ordering::Relaxed);
        }
    }

    /// HTTP/1: a request's head was read, and its body follows.
    pub fn body_follows(&self, framing: Framing) {
        let framing = match framing {
            Framing::Length(bytes) => bytes,
            Framing::Chunked => CHUNKED,
        };
        self.framing.store(framing, Ordering::Relaxed);
    }

    /// What follows the head that was read last, if that was not asked before.
    pub fn take_framing(&self) -> Option<Framing> {
        // Mostly there is nothing, and a load costs less.
        if self.framing.load(Ordering::Relaxed) == 0 {
            return None;
        }
        match self.framing.swap(0, Ordering::Relaxed) {
            0 => None,
            CHUNKED => Some(Framing::Chunked),
            bytes => Some(Framing::Length(bytes)),
        }
    }

    /// A request with a body came, which nobody has read yet.
    pub fn has_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// A request's body was read to its end.
    pub fn read_whole(&self) {
        self.unread.store(false, Ordering::Relaxed);
    }

    /// Whether no request is in flight, and nothing that we say is on its way or may be lost by closing.
    pub fn owes_nothing(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
            && self.blocked_since.load(Ordering::Relaxed) == NEVER
            && self.lingering_since.load(Ordering::Relaxed) == NEVER
    }

    /// Our last word is said. Returns whether to read on, because the visitor may still be sending.
    pub fn linger(&self) -> bool {
        let sending = self.unread.load(Ordering::Relaxed) || self.head_since.load(Ordering::Relaxed) != NEVER;
        let linger = sending && self.protocol() == Protocol::Http1;
        if linger {
            self.lingering_since.store(self.clock.now(), Ordering::Relaxed);
        }
        linger
    }

    /// Marks that a body is being streamed.
    pub fn stream(&self) -> Stream {
        let stream = Stream { handed_since: Arc::new(AtomicU64::new(NEVER)), clock: self.clock.clone() };
        let mut streams = self.streams.lock().expect("nothing panics while this lock is held");
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&stream.handed_since));
        stream
    }

    /// Tells the connection's task something. It is never taken back.
    pub fn order(&self, order: CloseOrder) {
        if self.order.fetch_max(order as u8, Ordering::Release) < order as u8 {
            if order == CloseOrder::Close {
                self.closing_since.store(self.clock.now(), Ordering::Relaxed);
            }
            self.wake.notify_waiters();
        }
    }

    /// Whether `order`, or a stronger one, was given.
    pub fn was_told(&self, order: CloseOrder) -> bool {
        self.order.load(Ordering::Acquire) >= order as u8
    }

    /// Waits for `order` or a stronger one. Safe to drop.
    pub async fn told(&self, order: CloseOrder) {
        loop {
            let woken = self.wake.notified();
            if self.was_told(order) {
                return;
            }
            woken.await;
        }
    }

    /// One look, for the watch.
    pub fn look(&self) -> Observed {
        Observed {
            protocol: self.protocol(),
            requests: self.requests.load(Ordering::Relaxed),
            served: self.served.load(Ordering::Relaxed),
            waiting_since: self.waiting_since.load(Ordering::Relaxed),
            head_since: self.head_since.load(Ordering::Relaxed),
            blocked_since: self.blocked_since.load(Ordering::Relaxed),
            handed_since: self.handed_since(),
            closing_since: self.closing_since.load(Ordering::Relaxed),
            lingering_since: self.lingering_since.load(Ordering::Relaxed),
        }
    }

    fn handed_since(&self) -> Moment {
        let streams = self.streams.lock().expect("nothing panics while this lock is held");
        let moments = streams.iter().filter_map(Weak::upgrade).map(|stream| stream.load(Ordering::Relaxed));
        moments.filter(|moment| *moment != NEVER).min().unwrap_or(NEVER)
    }
}

/// A request in flight on a connection, until it is dropped.
pub struct Busy {
    /// The connection.
    pub activity: Arc<Activity>,
}

impl Busy {
    /// Counts a request.
    pub fn begin(activity: Arc<Activity>) -> Busy {
        activity.requests.fetch_add(1, Ordering::Relaxed);
        activity.head_since.store(NEVER, Ordering::Relaxed);
        activity.unread.store(false, Ordering::Relaxed);
        Busy { activity }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Activity { clock, requests, served, waiting_since, head_since, .. } = &*self.activity;
        waiting_since.store(clock.now(), Ordering::Relaxed);
        head_since.store(NEVER, Ordering::Relaxed);
        served.store(true, Ordering::Relaxed);
        requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that is being streamed: whether the visitor asks for more of it.
pub struct Stream {
    handed_since: Arc<AtomicU64>,
    clock: Clock,
}

impl Stream {
    /// A piece was handed over.
    pub fn handed(&self) {
        self.handed_since.store(self.clock.now(), Ordering::Relaxed);
    }

    /// More is asked for.
    pub fn asked(&self) {
        self.handed_since.store(NEVER, Ordering::Relaxed);
    }
}

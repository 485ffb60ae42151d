//! How fast one request's visitor sends and reads while the host waits for them.

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Who sends requests: an address, or an IPv6 network of 64 bits, in which everybody has as many addresses as they like.
/// Without an address (a Unix socket) all are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Visitor(Option<IpAddr>);

impl Visitor {
    /// The visitor with this address, which was resolved through trusted proxies.
    pub fn of(address: Option<IpAddr>) -> Visitor {
        Visitor(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
            address => address,
        }))
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The request's body.
    In,
    /// The response's.
    Out,
}

/// One request's pace, written by whoever moves its bytes and read by whoever looks for a place.
///
/// Only time counts in which the host waits for the visitor: for a piece of the request's body that the guest wants, or for
/// a piece of the response to be taken. A guest that takes its time makes nobody slow, nor does an event stream that is read.
pub struct Pace {
    visitor: Visitor,
    begun: Instant,
    ways: [Clock; 2],
    is_ended: AtomicBool,
    ended: Notify,
    // Held for a push or a take, never across an await.
    at_end: Mutex<Vec<AtEnd>>,
}

/// What lets go of something at once when the request is ended, however little anybody asks.
type AtEnd = Box<dyn FnOnce() + Send>;

/// One way of a request. All figures are hints: none of them guards memory, so `Relaxed` does.
#[derive(Debug, Default)]
struct Clock {
    /// Bytes that went this way.
    moved: AtomicU64,
    /// Since when the host waits, in milliseconds after the request began, one more than it really was. 0 is: it does not.
    since: AtomicU64,
    /// How long it waited before, in milliseconds.
    waited: AtomicU64,
}

impl Pace {
    /// A request of `visitor` begins.
    pub fn new(visitor: Visitor) -> Pace {
        Pace {
            visitor,
            begun: Instant::now(),
            ways: Default::default(),
            is_ended: AtomicBool::new(false),
            ended: Notify::new(),
            at_end: Mutex::default(),
        }
    }

    /// Who sent the request.
    pub fn visitor(&self) -> Visitor {
        self.visitor
    }

    /// The host waits for the visitor from now on, if it did not before.
    pub fn waits(&self, way: Way) {
        let clock = &self.ways[way as usize];
        if clock.since.load(Ordering::Relaxed) == 0 {
            clock.since.store(self.now() + 1, Ordering::Relaxed);
        }
    }

    /// The visitor has sent or taken so many bytes: there is nothing to wait for at this moment.
    pub fn moved(&self, way: Way, bytes: u64) {
        let clock = &self.ways[way as usize];
        clock.moved.fetch_add(bytes, Ordering::Relaxed);
        match clock.since.swap(0, Ordering::Relaxed) {
            0 => {}
            since => _ = clock.waited.fetch_add((self.now() + 1).saturating_sub(since), Ordering::Relaxed),
        }
    }

    /// Bytes for each second of waiting, once the host waits at this moment and has waited for `least` in all.
    pub fn bytes_per_second(&self, least: Duration) -> Option<u64> {
        let now = self.now() + 1;
        let mut is_waiting = false;
        let (mut moved, mut waited) = (0_u64, 0_u64);
        for clock in &self.ways {
            moved += clock.moved.load(Ordering::Relaxed);
            waited += clock.waited.load(Ordering::Relaxed);
            let since = clock.since.load(Ordering::Relaxed);
            if since != 0 {
                is_waiting = true;
                waited += now.saturating_sub(since);
            }
        }
        let is_slow = is_waiting && u128::from(waited) >= least.as_millis();
        is_slow.then(|| moved.saturating_mul(1000) / waited.max(1))
    }

    /// Ends the request: its visitor is slow, and others wait for its place. Says whether it was not ended before.
    pub fn end(&self) -> bool {
        let is_first = !self.is_ended.swap(true, Ordering::AcqRel);
        self.ended.notify_waiters();
        let at_end = std::mem::take(&mut *self.at_end());
        at_end.into_iter().for_each(|act| act());
        is_first
    }

    /// Has `act` done when the request is ended.
    pub fn when_ended(&self, act: impl FnOnce() + Send + 'static) {
        self.at_end().push(Box::new(act));
    }

    /// Whether the request was ended.
    pub fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    /// Waits until the request is ended from outside. Safe to drop.
    pub async fn ended(&self) {
        loop {
            let woken = self.ended.notified();
            if self.is_ended() {
                return;
            }
            woken.await;
        }
    }

    fn at_end(&self) -> MutexGuard<'_, Vec<AtEnd>> {
        self.at_end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_secs(5);

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn only_time_in_which_the_host_waits_counts() {
        let pace = Pace::new(Visitor::of(None));
        pass(100).await;
        assert_eq!(pace.bytes_per_second(LEAST), None, "it never waited");
        pace.waits(Way::In);
        pass(4).await;
        assert_eq!(pace.bytes_per_second(LEAST), None, "not for long enough");
        pass(1).await;
        assert_eq!(pace.bytes_per_second(LEAST), Some(0));
        pace.moved(Way::In, 1000);
        assert_eq!(pace.bytes_per_second(LEAST), None, "it does not wait at this moment");
        pass(100).await;
        pace.waits(Way::Out);
        pass(5).await;
        assert_eq!(pace.bytes_per_second(LEAST), Some(100), "1,000 bytes in ten seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_told_once_and_seen_by_all() {
        let pace = Pace::new(Visitor::of(None));
        assert!(pace.end() && !pace.end() && pace.is_ended());
        pace.ended().await;
    }

    #[test]
    fn a_network_of_ipv6_is_one_visitor() {
        let of = |address: &str| Visitor::of(Some(address.parse().unwrap()));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}

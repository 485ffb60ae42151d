//! Places that visitors share: who gets the next one, and who gives his back while others wait.
//!
//! While there are places for all who ask, nobody is told from anybody else. When they are short, a visitor who holds his
//! share gets no more before all others who wait, and the request whose visitor is slowest is ended.

pub mod pace;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use slab::Slab;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::fill::Fill;
use crate::places::pace::Pace;
use crate::places::pace::Visitor;

/// For so long the host must have waited for a visitor before his request is ended for others.
pub const SLOW_AFTER: Duration = Duration::from_secs(5);

/// The same for a visitor who holds more than his share, while another waits.
pub const GIVES_WAY_AFTER: Duration = Duration::from_millis(500);

/// A visitor who moves so many bytes in each second of waiting is not slow, however many others wait.
pub const FAST_BYTES_PER_SECOND: u64 = 256 << 10;

/// How often who waits looks for somebody slow.
const LOOK: Duration = Duration::from_millis(100);
/// How long all who wait of one visitor let pass between two looks, for each goes through all who hold.
const LOOKS_APART: Duration = Duration::from_millis(10);

/// So many places, and so many who may wait for some. A request takes one, or as many as it is large.
pub struct Places {
    // Held for a few instructions, and for a walk over all who hold or wait when places are short. No await is inside.
    inner: Mutex<Inner>,
    count: usize,
    /// How many one visitor may hold while others wait.
    share: usize,
    waiting_max: usize,
}

struct Inner {
    free: usize,
    holders: Slab<Holder>,
    waiting: VecDeque<Waiter>,
    next: u64,
    /// Who looked last for somebody slow, and when.
    looked: Option<(Visitor, Instant)>,
    /// Requests that were ended for others.
    ended: u64,
}

struct Holder {
    pace: Arc<Pace>,
    count: usize,
}

struct Waiter {
    number: u64,
    pace: Arc<Pace>,
    count: usize,
    granted: oneshot::Sender<Place>,
}

/// Places that one request has, given back on drop.
pub struct Place {
    places: Arc<Places>,
    key: usize,
}

/// Somebody who waits: dropping it leaves the queue.
struct Waiting {
    places: Arc<Places>,
    number: u64,
    granted: oneshot::Receiver<Place>,
}

/// As many wait already as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

impl Places {
    /// `count` places, for which `waiting_max` may wait.
    pub fn new(count: usize, waiting_max: usize) -> Arc<Places> {
        let inner =
            Inner { free: count, holders: Slab::new(), waiting: VecDeque::new(), next: 0, looked: None, ended: 0 };
        Arc::new(Places { inner: Mutex::new(inner), count, share: (count / 2).max(1), waiting_max })
    }

    /// How full they are.
    pub fn fill(&self) -> Fill {
        let inner = self.lock();
        let (used, max, waiting) = (self.count - inner.free, self.count, inner.waiting.len());
        Fill { used: used as u64, max: max as u64, waiting: waiting as u64, ended: inner.ended }
    }

    /// `count` places, if they are free and nobody waits.
    pub fn try_take(self: &Arc<Self>, pace: &Arc<Pace>, count: usize) -> Option<Place> {
        let mut inner = self.lock();
        if inner.free < count || !inner.waiting.is_empty() {
            return None;
        }
        let key = inner.enter(pace.clone(), count);
        drop(inner);
        Some(Place { places: self.clone(), key })
    }

    /// Whether there is a place for `visitor`, or room in the queue for one, at this moment.
    pub fn would_take(&self, visitor: Visitor) -> bool {
        let inner = self.lock();
        inner.free > 0 || inner.waiting.len() < self.waiting_max || self.crowd(&inner, visitor).is_some()
    }

    /// The same, but no more than a share for one visitor.
    pub fn try_take_of_share(self: &Arc<Self>, pace: &Arc<Pace>, count: usize) -> Option<Place> {
        let held = self.lock().held().get(&pace.visitor()).copied().unwrap_or_default();
        let is_below = held.saturating_add(count) <= self.share;
        if is_below { self.try_take(pace, count) } else { None }
    }

    /// Waits for `count` places. While they are not free, slow requests are ended. Safe to drop.
    pub async fn take(self: &Arc<Self>, pace: &Arc<Pace>, count: usize) -> Result<Place, QueueFull> {
        if let Some(place) = self.try_take(pace, count) {
            return Ok(place);
        }
        let mut waiting = self.wait(pace, count)?;
        loop {
            self.end_slowest(pace.visitor());
            tokio::select! {
                biased;
                granted = &mut waiting.granted => return granted.map_err(|_| QueueFull),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn wait(self: &Arc<Self>, pace: &Arc<Pace>, count: usize) -> Result<Waiting, QueueFull> {
        let (sender, granted) = oneshot::channel();
        let mut inner = self.lock();
        let crowded_out = if inner.waiting.len() < self.waiting_max {
            None
        } else {
            let at = self.crowd(&inner, pace.visitor()).ok_or(QueueFull)?;
            inner.waiting.remove(at)
        };
        let number = inner.next;
        inner.next += 1;
        inner.waiting.push_back(Waiter { number, pace: pace.clone(), count, granted: sender });
        // A place may have become free since it was asked for.
        let granted_now = self.grant(&mut inner);
        drop(inner);
        drop(crowded_out);
        self.hand_over(granted_now);
        Ok(Waiting { places: self.clone(), number, granted })
    }

    /// Which waiter goes when the queue is full and `newcomer` comes: the newest of a visitor who fills more than half of it.
    fn crowd(&self, inner: &Inner, newcomer: Visitor) -> Option<usize> {
        let mut counts: HashMap<Visitor, usize> = HashMap::new();
        inner.waiting.iter().for_each(|waiter| *counts.entry(waiter.pace.visitor()).or_default() += 1);
        let (most, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        let is_crowd = most != newcomer && count > self.waiting_max / 2;
        if is_crowd { inner.waiting.iter().rposition(|waiter| waiter.pace.visitor() == most) } else { None }
    }

    /// Gives free places to those who wait: the first whose visitor holds less than a share, or else the first.
    fn grant(&self, inner: &mut Inner) -> Vec<(oneshot::Sender<Place>, usize)> {
        let mut granted = Vec::new();
        while let Some(next) = inner.next_in_line(self.share) {
            let Some(waiter) = inner.waiting.remove(next) else { break };
            let key = inner.enter(waiter.pace, waiter.count);
            granted.push((waiter.granted, key));
        }
        granted
    }

    /// Outside of the lock: who has left meanwhile gives the place back at once.
    fn hand_over(self: &Arc<Self>, granted: Vec<(oneshot::Sender<Place>, usize)>) {
        for (waiter, key) in granted {
            drop(waiter.send(Place { places: self.clone(), key }));
        }
    }

    /// Ends the slowest request, unless as many have been ended already as wait.
    fn end_slowest(&self, newcomer: Visitor) {
        let (mut inner, now) = (self.lock(), Instant::now());
        let is_news = |(by, at): (Visitor, Instant)| by != newcomer || now.duration_since(at) >= LOOKS_APART;
        if !inner.looked.is_none_or(is_news) {
            return;
        }
        inner.looked = Some((newcomer, now));
        let leaving = inner.holders.iter().filter(|(_, holder)| holder.pace.is_ended()).map(|(_, holder)| holder.count);
        let wanted: usize = inner.waiting.iter().map(|waiter| waiter.count).sum();
        if inner.free + leaving.sum::<usize>() >= wanted {
            return;
        }
        let held = inner.held();
        let rate = |pace: &Arc<Pace>| {
            let visitor = pace.visitor();
            let gives_way = visitor != newcomer && held.get(&visitor).is_some_and(|held| *held > self.share);
            let rate = pace.bytes_per_second(if gives_way { GIVES_WAY_AFTER } else { SLOW_AFTER })?;
            (rate < FAST_BYTES_PER_SECOND).then_some(rate)
        };
        let running = inner.holders.iter().map(|(_, holder)| &holder.pace).filter(|pace| !pace.is_ended());
        let slowest = running.filter_map(|pace| Some((rate(pace)?, pace.clone()))).min_by_key(|(rate, _)| *rate);
        inner.ended += u64::from(slowest.is_some());
        drop(inner);
        if let Some((_, pace)) = slowest {
            pace.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn enter(&mut self, pace: Arc<Pace>, count: usize) -> usize {
        self.free -= count;
        self.holders.insert(Holder { pace, count })
    }

    /// What each visitor holds. Counted when places are short, so that it costs nothing while they are not.
    fn held(&self) -> HashMap<Visitor, usize> {
        let mut held = HashMap::new();
        self.holders.iter().for_each(|(_, holder)| *held.entry(holder.pace.visitor()).or_default() += holder.count);
        held
    }

    /// Who is next of those who wait, if there are enough places: the first whose visitor holds less than a share, or else the
    /// first.
    fn next_in_line(&self, share: usize) -> Option<usize> {
        let first = self.waiting.front()?.pace.visitor();
        if self.free == 0 {
            return None;
        }
        let is_one = self.waiting.iter().all(|waiter| waiter.pace.visitor() == first);
        let next = if is_one {
            0
        } else {
            let held = self.held();
            let is_below = |waiter: &Waiter| held.get(&waiter.pace.visitor()).is_none_or(|held| *held < share);
            self.waiting.iter().position(is_below).unwrap_or(0)
        };
        (self.waiting[next].count <= self.free).then_some(next)
    }

    fn leave(&mut self, key: usize) {
        if let Some(holder) = self.holders.try_remove(key) {
            self.free += holder.count;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let granted = {
            let mut inner = self.places.lock();
            inner.leave(self.key);
            self.places.grant(&mut inner)
        };
        self.places.hand_over(granted);
    }
}

impl Drop for Waiting {
    /// Whoever stood behind somebody who wanted more than there was may find enough.
    fn drop(&mut self) {
        let granted = {
            let mut inner = self.places.lock();
            inner.waiting.retain(|waiter| waiter.number != self.number);
            self.places.grant(&mut inner)
        };
        self.places.hand_over(granted);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::places::pace::Way;

    fn of(last: u8) -> Arc<Pace> {
        Arc::new(Pace::new(Visitor::of(Some(Ipv4Addr::new(192, 0, 2, last).into()))))
    }

    /// Lets a task that waits go as far as it can.
    async fn step<T>(waits: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> Option<T> {
        tokio::time::timeout(Duration::from_millis(1), waits).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_visitor_has_all_places_while_nobody_else_waits() {
        let (places, one) = (Places::new(4, 4), of(1));
        let held: Vec<Place> = std::iter::from_fn(|| places.try_take(&one, 1)).collect();
        assert_eq!((held.len(), places.fill().used), (4, 4));
        drop(held);
        assert_eq!(places.fill(), Fill { max: 4, ..Fill::default() });
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_holds_less_than_a_share_goes_first() {
        let (places, one, two) = (Places::new(4, 4), of(1), of(2));
        let mut held: Vec<Place> = std::iter::from_fn(|| places.try_take(&one, 1)).collect();
        let mut first = Box::pin(places.take(&one, 1));
        assert!(step(&mut first).await.is_none());
        let mut second = Box::pin(places.take(&two, 1));
        assert!(step(&mut second).await.is_none());
        held.pop();
        let second = step(&mut second).await.expect("another visitor is served first").unwrap();
        assert!(step(&mut first).await.is_none());
        drop(second);
        assert!(step(&mut first).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_one_visitor_fills_has_room_for_another() {
        let (places, one, two) = (Places::new(1, 2), of(1), of(2));
        let _held = places.try_take(&one, 1).unwrap();
        let mut waiting = [Box::pin(places.take(&one, 1)), Box::pin(places.take(&one, 1))];
        for waits in &mut waiting {
            assert!(step(waits).await.is_none());
        }
        assert!(!places.would_take(one.visitor()) && places.would_take(two.visitor()));
        assert_eq!(places.take(&one, 1).await.err(), Some(QueueFull));
        let mut newcomer = Box::pin(places.take(&two, 1));
        assert!(step(&mut newcomer).await.is_none());
        assert_eq!(
            step(&mut waiting[1]).await.map(|place| place.err()),
            Some(Some(QueueFull)),
            "the newest of the crowd"
        );
        assert!(step(&mut waiting[0]).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_queue_is_given_nothing() {
        let (places, one) = (Places::new(1, 2), of(1));
        let held = places.try_take(&one, 1).unwrap();
        let mut leaves = Box::pin(places.take(&one, 1));
        assert!(step(&mut leaves).await.is_none());
        drop(leaves);
        drop(held);
        assert_eq!(places.fill().used, places.fill().max - 1);
    }

    /// Which of these requests, each of a visitor of its own, is ended for a newcomer.
    async fn ended(paces: &[Arc<Pace>], newcomer: &Arc<Pace>) -> Vec<bool> {
        let places = Places::new(paces.len(), 4);
        let _held: Vec<Place> = paces.iter().map(|pace| places.try_take(pace, 1).unwrap()).collect();
        let mut waits = Box::pin(places.take(newcomer, 1));
        assert!(step(&mut waits).await.is_none());
        paces.iter().map(|pace| pace.is_ended()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_is_ended_for_a_newcomer() {
        let paces: Vec<_> = (1..=4).map(of).collect();
        paces[0].moved(Way::In, 20_000);
        paces[1].moved(Way::In, 10_000);
        paces[3].moved(Way::Out, u64::from(u32::MAX));
        for (at, way) in [(0, Way::In), (1, Way::In), (3, Way::Out)] {
            paces[at].waits(way);
        }
        tokio::time::advance(SLOW_AFTER - LOOK).await;
        assert_eq!(ended(&paces, &of(9)).await, [false; 4], "none has been waited for long enough");
        tokio::time::advance(LOOK).await;
        assert_eq!(ended(&paces, &of(9)).await, [false, true, false, false]);
        assert_eq!(ended(&paces[2..], &of(9)).await, [false; 2], "one is not waited for, and one is fast");
    }

    #[tokio::test(start_paused = true)]
    async fn a_visitor_above_his_share_gives_way_soon() {
        let (places, many) = (Places::new(4, 4), of(1));
        many.waits(Way::Out);
        let _held: Vec<Place> = std::iter::from_fn(|| places.try_take(&many, 1)).collect();
        tokio::time::advance(GIVES_WAY_AFTER).await;
        let mut own = Box::pin(places.take(&many, 1));
        assert!(step(&mut own).await.is_none());
        assert!(!many.is_ended(), "not for one of his own");
        let newcomer = of(2);
        let mut other = Box::pin(places.take(&newcomer, 1));
        assert!(step(&mut other).await.is_none());
        assert!(many.is_ended());
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_request_waits_until_all_of_its_places_are_free() {
        let (places, one, two) = (Places::new(4, 4), of(1), of(2));
        let (first, second) = (places.try_take(&one, 3).unwrap(), places.try_take(&one, 1).unwrap());
        let mut large = Box::pin(places.take(&two, 4));
        assert!(step(&mut large).await.is_none());
        drop(first);
        assert!(step(&mut large).await.is_none());
        drop(second);
        assert!(step(&mut large).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_stood_behind_a_large_request_that_left_is_not_forgotten() {
        let (places, one, two) = (Places::new(4, 4), of(1), of(2));
        let _held = places.try_take(&one, 2).unwrap();
        let mut large = Box::pin(places.take(&two, 4));
        assert!(step(&mut large).await.is_none());
        let mut small = Box::pin(places.take(&two, 1));
        assert!(step(&mut small).await.is_none());
        drop(large);
        assert!(step(&mut small).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_waits_one_visitor_has_no_more_than_a_share() {
        let (places, one, two) = (Places::new(4, 0), of(1), of(2));
        let held: Vec<Place> = std::iter::from_fn(|| places.try_take_of_share(&one, 1)).collect();
        assert_eq!(held.len(), 2);
        assert!(places.try_take_of_share(&two, 2).is_some());
    }
}

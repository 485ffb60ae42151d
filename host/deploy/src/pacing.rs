//! When the deployer looks, follows up and writes next. Decisions only: no clock and no timer of its own.

use std::time::Duration;

use tokio::time::Instant;

/// Hints that come together are looked at together.
pub const COALESCE: Duration = Duration::from_millis(5);
/// Scanning takes at most a fifth of the time.
const SCAN_REST: u32 = 4;
/// Making a table and a status of all apps takes at most a fifth of the time, while many apps become ready.
const FOLLOW_REST: u32 = 4;
/// What takes less is done at once, for timers are no finer: with few apps, nothing ever waits.
const FOLLOW_FREE: Duration = Duration::from_micros(200);
/// After the state directory could not be written to.
const WRITE_AGAIN: Duration = Duration::from_secs(5);

/// What is planned, and what is due.
#[derive(Debug)]
pub struct Pacing {
    /// When to look next; `None` while a look is under way.
    look_at: Option<Instant>,
    /// Something happened while a look was under way.
    look_again: bool,
    /// No look before this.
    rest_until: Instant,
    /// Something happened that was not followed up yet.
    is_behind: bool,
    /// Nothing is followed up before this.
    follow_up_from: Instant,
    is_writing: bool,
    /// No write before this, since the last one failed.
    write_again_at: Option<Instant>,
    records_due: bool,
    /// What is shown was not written yet: a write that was under way had an older one.
    status_due: bool,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextWrite {
    /// Nothing is due, or one is under way.
    None,
    /// It is begun now.
    Now,
    /// It is thought of again then.
    At(Instant),
}

impl Pacing {
    /// At the start a look is due.
    pub fn new(now: Instant) -> Pacing {
        Pacing {
            look_at: Some(now),
            look_again: false,
            rest_until: now,
            is_behind: false,
            follow_up_from: now,
            is_writing: false,
            write_again_at: None,
            records_due: false,
            status_due: false,
        }
    }

    /// When to look; nothing while a look is under way.
    pub fn look_at(&self) -> Option<Instant> {
        self.look_at.map(|at| at.max(self.rest_until))
    }

    /// When to follow up what had to wait, if something has.
    pub fn follow_up_at(&self) -> Option<Instant> {
        self.is_behind.then_some(self.follow_up_from)
    }

    /// Looks at `at`, or earlier if that was planned.
    pub fn look_soon(&mut self, at: Instant, now: Instant) {
        match &mut self.look_at {
            Some(planned) => *planned = at.min(*planned),
            None => self.look_again |= at <= now + COALESCE,
        }
    }

    /// A look begins.
    pub fn begin_look(&mut self) {
        self.look_at = None;
        self.look_again = false;
    }

    /// What is looked at now has to be looked at once more.
    pub fn look_once_more(&mut self) {
        self.look_again = true;
    }

    /// A look has ended, which took so long; the next one is due after `wait`, unless something happened meanwhile.
    pub fn end_look(&mut self, now: Instant, took: Duration, wait: Duration) {
        self.rest_until = now + took * SCAN_REST;
        self.look_at = Some(now + if self.look_again { COALESCE } else { wait });
    }

    /// Whether to follow up now: what that takes grows with the number of apps, and when a thousand of them become ready one
    /// after the other, it would be most of the work.
    pub fn may_follow_up(&mut self, now: Instant) -> bool {
        self.is_behind = now < self.follow_up_from;
        !self.is_behind
    }

    /// It was followed up, which took so long.
    pub fn followed_up(&mut self, now: Instant, took: Duration) {
        if took > FOLLOW_FREE {
            self.follow_up_from = now + took * FOLLOW_REST;
        }
    }

    /// What is remembered across restarts may be out of date.
    pub fn records_due(&mut self, are_due: bool) {
        self.records_due |= are_due;
    }

    /// What is shown is out of date on the disk.
    pub fn status_due(&mut self) {
        self.status_due = true;
    }

    /// Whether to write now, or when.
    pub fn next_write(&self, now: Instant) -> NextWrite {
        match self.write_again_at.filter(|at| *at > now) {
            Some(at) => NextWrite::At(at),
            None if (self.status_due || self.records_due) && !self.is_writing => NextWrite::Now,
            None => NextWrite::None,
        }
    }

    /// A write begins.
    pub fn begin_write(&mut self) {
        self.is_writing = true;
        self.status_due = false;
    }

    /// Whether records go with the write that is made now.
    pub fn take_records_due(&mut self) -> bool {
        std::mem::take(&mut self.records_due)
    }

    /// A write has ended. What failed is tried again a while later, records and all.
    pub fn end_write(&mut self, now: Instant, has_failed: bool) {
        self.is_writing = false;
        self.records_due |= has_failed;
        self.write_again_at = has_failed.then(|| now + WRITE_AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_look_waits_for_its_rest_and_what_happens_meanwhile_is_looked_at_again() {
        let now = Instant::now();
        let mut pacing = Pacing::new(now);
        assert_eq!(pacing.look_at(), Some(now));
        pacing.begin_look();
        assert_eq!(pacing.look_at(), None);
        pacing.look_soon(now, now);
        pacing.end_look(now, SECOND, 30 * SECOND);
        assert_eq!(pacing.look_at(), Some(now + 4 * SECOND), "a fifth of the time");
        pacing.begin_look();
        pacing.look_soon(now + SECOND, now);
        pacing.end_look(now, Duration::ZERO, 30 * SECOND);
        assert_eq!(pacing.look_at(), Some(now + 30 * SECOND), "what is due later is found by then");
        pacing.look_soon(now + SECOND, now);
        pacing.look_soon(now + 2 * SECOND, now);
        assert_eq!(pacing.look_at(), Some(now + SECOND));
    }

    #[test]
    fn what_takes_long_is_followed_up_less_often() {
        let now = Instant::now();
        let mut pacing = Pacing::new(now);
        assert!(pacing.may_follow_up(now) && pacing.follow_up_at().is_none());
        pacing.followed_up(now, FOLLOW_FREE);
        assert!(pacing.may_follow_up(now));
        pacing.followed_up(now, SECOND);
        assert!(!pacing.may_follow_up(now + SECOND));
        assert_eq!(pacing.follow_up_at(), Some(now + 4 * SECOND));
        assert!(pacing.may_follow_up(now + 4 * SECOND));
    }

    #[test]
    fn one_write_at_a_time_and_none_soon_after_a_failure() {
        let now = Instant::now();
        let mut pacing = Pacing::new(now);
        assert_eq!(pacing.next_write(now), NextWrite::None);
        pacing.status_due();
        assert_eq!(pacing.next_write(now), NextWrite::Now);
        pacing.begin_write();
        pacing.records_due(true);
        assert_eq!(pacing.next_write(now), NextWrite::None);
        pacing.end_write(now, false);
        assert_eq!(pacing.next_write(now), NextWrite::Now);
        pacing.begin_write();
        assert!(pacing.take_records_due());
        pacing.end_write(now, true);
        assert_eq!(pacing.next_write(now), NextWrite::At(now + WRITE_AGAIN));
        assert_eq!(pacing.next_write(now + WRITE_AGAIN), NextWrite::Now);
        assert!(pacing.take_records_due(), "they were not written");
    }
}

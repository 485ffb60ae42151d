//! Whose turn it is: which name is ordered next, and when. Decided without any clock or socket of its own.
//!
//! An authority has its own limits, and whoever runs into them waits for a week. So every failure makes a name wait longer,
//! and there are only so many orders in an hour, however many apps are dropped.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// After the first failure; doubled after each further one.
const BACK_OFF_MIN: Duration = Duration::from_secs(60);
const BACK_OFF_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// Orders in one hour.
const ORDERS_MAX: usize = 20;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What was tried, and when.
#[derive(Debug, Default)]
pub struct Pace {
    failures: BTreeMap<String, Failed>,
    ordered: VecDeque<Instant>,
}

#[derive(Debug)]
struct Failed {
    wait: Duration,
    again: Instant,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Order a certificate for this name.
    Order(String),
    /// Nothing before this moment.
    At(Instant),
    /// Nothing at all.
    Nothing,
}

impl Pace {
    /// Who of those that need a certificate is next: the first of them that does not wait after a failure.
    pub fn next(&mut self, needy: &[String], now: Instant) -> Next {
        self.failures.retain(|name, _| needy.contains(name));
        while self.ordered.front().is_some_and(|ordered| now.duration_since(*ordered) >= HOUR) {
            self.ordered.pop_front();
        }
        let turn = |name: &String| self.failures.get(name).map_or(now, |failed| failed.again.max(now));
        // Of those whose turn it is, the first one.
        let Some((at, name)) = needy.iter().map(|name| (turn(name), name)).min_by_key(|(at, _)| *at) else {
            return Next::Nothing;
        };
        let full = self.ordered.front().filter(|_| self.ordered.len() >= ORDERS_MAX).map(|oldest| *oldest + HOUR);
        let at = full.map_or(at, |full| full.max(at));
        if at > now { Next::At(at) } else { Next::Order(name.clone()) }
    }

    /// An order is being made.
    pub fn ordered(&mut self, now: Instant) {
        self.ordered.push_back(now);
    }

    /// It failed. Returns how long the name waits now.
    pub fn failed(&mut self, name: &str, now: Instant) -> Duration {
        let wait = self.failures.get(name).map_or(BACK_OFF_MIN, |failed| (failed.wait * 2).min(BACK_OFF_MAX));
        self.failures.insert(name.to_owned(), Failed { wait, again: now + wait });
        wait
    }

    /// It did not.
    pub fn succeeded(&mut self, name: &str) {
        self.failures.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_failure_makes_a_name_wait_longer_and_nobody_else() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        let both = names(&["a", "b"]);
        assert_eq!(pace.next(&both, begun), Next::Order("a".to_owned()));
        assert_eq!(pace.failed("a", begun).as_secs(), 60);
        assert_eq!(pace.next(&both, begun), Next::Order("b".to_owned()));
        assert_eq!(pace.next(&names(&["a"]), begun), Next::At(begun + Duration::from_secs(60)));
        let later = begun + Duration::from_secs(60);
        assert_eq!(pace.next(&names(&["a"]), later), Next::Order("a".to_owned()));
        let waits: Vec<u64> = (0..12).map(|_| pace.failed("a", later).as_secs()).collect();
        assert_eq!((waits[0], waits[1], waits[11]), (120, 240, 43_200));
        pace.succeeded("a");
        assert_eq!(pace.failed("a", later).as_secs(), 60);
        assert_eq!(pace.next(&names(&[]), later), Next::Nothing);
    }

    #[test]
    fn there_are_only_so_many_orders_in_an_hour() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        (0..ORDERS_MAX).for_each(|_| pace.ordered(begun));
        assert_eq!(pace.next(&names(&["a"]), begun), Next::At(begun + HOUR));
        assert_eq!(pace.next(&names(&["a"]), begun + HOUR), Next::Order("a".to_owned()));
    }
}

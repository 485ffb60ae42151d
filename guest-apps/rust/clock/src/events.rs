//! The stream of events: when the next one is due, and what it says.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use wasip2::clocks::monotonic_clock;

/// How often events come, and how many: `?ms=50&n=3`.
pub struct Pace {
    interval_ms: u64,
    /// `None` goes on until the visitor leaves.
    count: Option<u64>,
}

impl Pace {
    /// Once a second without end, unless the query says otherwise. Never more often than every 10 ms.
    pub fn from_query(query: &str) -> Self {
        let number = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).and_then(|(_, value)| value.parse::<u64>().ok())
        };
        Self { interval_ms: number("ms").unwrap_or(1000).clamp(10, 3_600_000), count: number("n") }
    }
}

/// Hands out one event after the other, the first at once, until there are enough or `write` says that nobody reads.
pub fn send(pace: &Pace, mut write: impl FnMut(&str) -> bool) -> bool {
    let mut due = monotonic_clock::now();
    let mut sent = 0;
    while pace.count.is_none_or(|count| sent < count) {
        // Waiting for a moment rather than for a length of time: the time it takes to write does not add up.
        monotonic_clock::subscribe_instant(due).block();
        due += pace.interval_ms * 1_000_000;

        if !write(&format!("id: {sent}\ndata: {}\n\n", time_of_day())) {
            return false;
        }
        sent += 1;
    }
    true
}

/// The time of day in UTC.
fn time_of_day() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) % 86_400;
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

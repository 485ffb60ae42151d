//! How many failures of one app are told in full: whoever fails with every request shall not fill the log.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// Failures that are told in full, in one second.
const TOLD_MAX: u32 = 10;

const SECOND: Duration = Duration::from_secs(1);

/// Counts the failures of one revision. Locked for a few instructions, never across an await.
#[derive(Debug, Default)]
pub struct Failures(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    since: Option<Instant>,
    told: u32,
    left_out: u64,
}

/// Whether a failure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogDecision {
    /// It is, and so many before it were not.
    Tell {
        /// Failures.
        left_out: u64,
    },
    /// It is counted.
    LeaveOut,
}

impl Failures {
    /// One more failure, at `now`.
    pub fn turn(&self, now: Instant) -> LogDecision {
        let mut count = self.0.lock().expect("nothing panics while this lock is held");
        if count.since.is_none_or(|since| now.duration_since(since) >= SECOND) {
            (count.since, count.told) = (Some(now), 0);
        }
        if count.told == TOLD_MAX {
            count.left_out += 1;
            return LogDecision::LeaveOut;
        }
        count.told += 1;
        LogDecision::Tell { left_out: std::mem::take(&mut count.left_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_in_a_second_are_told_and_the_rest_is_counted() {
        let (failures, begun) = (Failures::default(), Instant::now());
        for _ in 0..TOLD_MAX {
            assert_eq!(failures.turn(begun), LogDecision::Tell { left_out: 0 });
        }
        assert_eq!(failures.turn(begun), LogDecision::LeaveOut);
        assert_eq!(failures.turn(begun + SECOND / 2), LogDecision::LeaveOut);
        assert_eq!(failures.turn(begun + SECOND), LogDecision::Tell { left_out: 2 });
        assert_eq!(failures.turn(begun + SECOND), LogDecision::Tell { left_out: 0 });
    }
}

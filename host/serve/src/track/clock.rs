//! A coarse clock, so that a request need not ask the system for the time.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// A moment in milliseconds since serving began, one more than it really was. 0 is no moment.
pub type Moment = u64;

/// No moment: it did not happen.
pub const NEVER: Moment = 0;

/// Shows the time at which the watch over all connections last looked.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// A clock that stands at the first moment.
    pub fn start() -> Clock {
        Clock(Arc::new(AtomicU64::new(1)))
    }

    /// What it shows.
    pub fn now(&self) -> Moment {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it to `millis` after its start.
    pub fn set(&self, millis: u64) {
        self.0.store(millis + 1, Ordering::Relaxed);
    }
}

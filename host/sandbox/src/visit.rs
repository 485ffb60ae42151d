//! One call of a guest, seen from the host.

use std::any::Any;

use tokio_util::task::TaskTracker;

use crate::clock::Ticking;
use crate::limits::Limits;

/// What a request holds for as long as its guest is at work on it: permits, marks, counters.
pub type Stay = Box<dyn Any + Send>;

/// The bounds of one call, and what lives as long as its guest.
pub(crate) struct Visit {
    pub(crate) limits: Limits,
    pub(crate) tasks: TaskTracker,
    /// `None` once it has gone to a task that the guest runs on.
    pub(crate) held: Option<Held>,
}

/// What is dropped when the guest has ended.
pub(crate) type Held = (Ticking, Stay);

//! One call of a guest, seen from the host.

use std::any::Any;

use tokio_util::task::TaskTracker;

use crate::clock::Ticking;
use crate::limits::Limits;

/// What a request holds for as long as its instance lives: permits, marks, counters. Dropped when the instance is gone.
pub type Stay = Box<dyn Any + Send>;

/// The bounds of one call, and what lives as long as its instance.
pub(crate) struct Visit {
    pub(crate) limits: Limits,
    pub(crate) tasks: TaskTracker,
    pub(crate) held: Held,
}

/// What is dropped when the instance is gone.
pub(crate) type Held = (Ticking, Stay);

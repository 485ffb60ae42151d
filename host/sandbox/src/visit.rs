//! One call of a guest, seen from the host.

use std::any::Any;
use std::sync::Arc;

use crate::clock::Ticking;
use crate::limits::Limits;
use crate::store::Common;
use crate::tag::Tag;
use crate::turns::Turn;

/// What a request holds for as long as its guest is at work on it: permits, marks, counters.
pub type Stay = Box<dyn Any + Send>;

/// One call: of which guest, for which request, and what lives as long as the guest is at work on it.
pub(crate) struct Visit {
    pub(crate) common: Arc<Common>,
    pub(crate) tag: Tag,
    /// Whether only the head of a response is asked for.
    pub(crate) is_head: bool,
    /// Until the guest runs, which it goes to.
    pub(crate) turn: Option<Turn>,
    /// `None` once it has gone to a task that the guest runs on.
    pub(crate) held: Option<Held>,
}

/// What is dropped when the guest has ended.
pub(crate) type Held = (Ticking, Stay);

impl Visit {
    pub(crate) fn limits(&self) -> &Limits {
        &self.common.settings.limits
    }

    /// Says in the guest's log what has become of it.
    pub(crate) fn note(&self, text: &str) {
        self.tag.with(|request_id| self.common.log.note(request_id, text));
    }
}

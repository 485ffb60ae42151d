//! One call of a guest, seen from the host.

use std::any::Any;
use std::sync::Arc;

use crate::bounds::clock::Ticking;
use crate::bounds::compute::ComputePermit;
use crate::bounds::log_context::LogContext;
use crate::instances::store::Common;
use crate::limits::Limits;

/// What a request holds for as long as its guest is at work on it: permits, marks, counters.
pub type RequestGuard = Box<dyn Any + Send>;

/// One call: of which guest, for which request, and what lives as long as the guest is at work on it.
pub(crate) struct Call {
    pub(crate) common: Arc<Common>,
    pub(crate) log_context: LogContext,
    /// Whether only the head of a response is asked for.
    pub(crate) is_head: bool,
    /// Until the guest runs, which it goes to.
    pub(crate) turn: Option<ComputePermit>,
    /// `None` once it has gone to a task that the guest runs on.
    pub(crate) held: Option<CallGuards>,
}

/// What is dropped when the guest has ended.
pub(crate) type CallGuards = (Ticking, RequestGuard);

impl Call {
    pub(crate) fn limits(&self) -> &Limits {
        &self.common.settings.limits
    }

    /// Says in the guest's log what has become of it.
    pub(crate) fn note(&self, text: &str) {
        self.log_context.with(|request_id| self.common.log.note(request_id, text));
    }
}

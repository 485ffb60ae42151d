//! What the log is told of the way out, by the request on whose behalf it happened.

use std::sync::Arc;

use guesthouse_outbound::error::OutboundError;
use guesthouse_outbound::internal::Caller;

use crate::bounds::log_context::LogContext;
use crate::bounds::output::GuestLog;

/// The log of one instance.
#[derive(Clone)]
pub(crate) struct Notes {
    log: Arc<GuestLog>,
    log_context: LogContext,
}

/// The same for one request, which may be over when it is told.
pub(crate) struct Note {
    log: Arc<GuestLog>,
    request_id: Arc<str>,
}

impl Notes {
    pub(crate) fn new(log: &Arc<GuestLog>, log_context: &LogContext) -> Notes {
        Notes { log: log.clone(), log_context: log_context.clone() }
    }

    /// Who asks another app of this host.
    pub(crate) fn caller(&self) -> Caller {
        let (app, depth) = (self.log.app().to_owned(), self.log_context.depth());
        Caller { app, request_id: self.log_context.with(|id| Arc::from(id)), depth }
    }

    /// Of the request that the instance is working for.
    pub(crate) fn now(&self) -> Note {
        Note { log: self.log.clone(), request_id: self.log_context.with(|id| Arc::from(id)) }
    }
}

impl Note {
    /// Whose it is.
    pub(crate) fn app(&self) -> &str {
        self.log.app()
    }

    /// An outgoing request, or what else `what` names, failed.
    pub(crate) fn failed(&self, what: &str, why: &OutboundError) {
        self.log.note(&self.request_id, &format!("an outgoing {what} failed: {why}"));
    }

    /// Something that the app's author may want to know.
    pub(crate) fn tell(&self, text: &str) {
        self.log.tell(&self.request_id, text);
    }
}

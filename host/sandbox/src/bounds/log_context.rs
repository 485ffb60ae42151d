//! Which request an instance is at work on: what it prints is tagged with it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// A request's id, which changes when the instance goes on to another. Clones share it.
#[derive(Clone)]
pub(crate) struct LogContext(Arc<Shared>);

struct Shared {
    /// Held to copy it only, never across an await.
    id: Mutex<Arc<str>>,
    /// Whether the guest has begun a body (0.2) since then.
    has_body: AtomicBool,
}

impl LogContext {
    pub(crate) fn new(request_id: impl Into<Arc<str>>) -> LogContext {
        LogContext(Arc::new(Shared { id: Mutex::new(request_id.into()), has_body: AtomicBool::new(false) }))
    }

    /// The instance goes on to another request.
    pub(crate) fn set(&self, other: &LogContext) {
        let request_id = other.0.id.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.0.id.lock().unwrap_or_else(PoisonError::into_inner) = request_id;
        self.0.has_body.store(false, Ordering::Relaxed);
    }

    /// Lets `say` have the id.
    pub(crate) fn with<T>(&self, say: impl FnOnce(&str) -> T) -> T {
        say(&self.0.id.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The guest begins a body.
    pub(crate) fn begin_body(&self) {
        self.0.has_body.store(true, Ordering::Relaxed);
    }

    /// What it began was the body of a request of its own.
    pub(crate) fn forget_body(&self) {
        self.0.has_body.store(false, Ordering::Relaxed);
    }

    /// Whether it has.
    pub(crate) fn has_body(&self) -> bool {
        self.0.has_body.load(Ordering::Relaxed)
    }
}

//! Which request an instance is at work on: what it prints is tagged with it, and what it asks of other apps counts from it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;

/// A request's id, which changes when the instance goes on to another. Clones share it.
#[derive(Clone)]
pub(crate) struct LogContext(Arc<Shared>);

struct Shared {
    /// Held to copy it only, never across an await.
    id: Mutex<Arc<str>>,
    /// How many apps have called one another before it.
    depth: AtomicU8,
    /// Whether the guest has begun a body (0.2) since then.
    has_body: AtomicBool,
}

impl LogContext {
    pub(crate) fn new(request_id: impl Into<Arc<str>>) -> LogContext {
        LogContext::at_depth(request_id, 0)
    }

    /// Of a request before which so many apps have called one another.
    pub(crate) fn at_depth(request_id: impl Into<Arc<str>>, depth: u8) -> LogContext {
        let (id, depth) = (Mutex::new(request_id.into()), AtomicU8::new(depth));
        LogContext(Arc::new(Shared { id, depth, has_body: AtomicBool::new(false) }))
    }

    /// The instance goes on to another request.
    pub(crate) fn set(&self, other: &LogContext) {
        let request_id = other.0.id.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.0.id.lock().unwrap_or_else(PoisonError::into_inner) = request_id;
        self.0.depth.store(other.depth(), Ordering::Relaxed);
        self.0.has_body.store(false, Ordering::Relaxed);
    }

    /// The deepest of this one and `other`, for an instance that is at work on both.
    pub(crate) fn deepest(&self, other: &LogContext) -> u8 {
        self.depth().max(other.depth())
    }

    /// How many apps have called one another before the request.
    pub(crate) fn depth(&self) -> u8 {
        self.0.depth.load(Ordering::Relaxed)
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

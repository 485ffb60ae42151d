//! Which request an instance is at work on: what it prints is tagged with it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// A request's id, which changes when the instance goes on to another. Clones share it.
#[derive(Clone)]
pub(crate) struct Tag {
    /// Held to copy it only, never across an await.
    id: Arc<Mutex<Arc<str>>>,
}

impl Tag {
    pub(crate) fn new(request_id: impl Into<Arc<str>>) -> Tag {
        Tag { id: Arc::new(Mutex::new(request_id.into())) }
    }

    /// The instance goes on to another request.
    pub(crate) fn set(&self, other: &Tag) {
        let request_id = other.id.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = request_id;
    }

    /// Lets `say` have the id.
    pub(crate) fn with<T>(&self, say: impl FnOnce(&str) -> T) -> T {
        say(&self.id.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

//! Which request an instance is at work on: what it prints is tagged with it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// A request's id, which changes when the instance goes on to another. Clones share it.
#[derive(Clone)]
pub(crate) struct Tag {
    /// Held to copy it only, never across an await.
    id: Arc<Mutex<String>>,
}

impl Tag {
    pub(crate) fn new(request_id: &str) -> Tag {
        Tag { id: Arc::new(Mutex::new(request_id.to_owned())) }
    }

    /// The instance goes on to another request.
    pub(crate) fn set(&self, other: &Tag) {
        let request_id = other.with(str::to_owned);
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = request_id;
    }

    /// Lets `say` have the id.
    pub(crate) fn with<T>(&self, say: impl FnOnce(&str) -> T) -> T {
        say(&self.id.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

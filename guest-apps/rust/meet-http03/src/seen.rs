//! How many requests this instance has seen, and how many it serves now.

use std::cell::Cell;

thread_local! {
    static SEEN: Cell<u32> = const { Cell::new(0) };
    static SERVING: Cell<u32> = const { Cell::new(0) };
}

/// A request from its beginning until this is dropped.
pub struct Serving;

impl Serving {
    pub fn begin() -> Self {
        SEEN.set(SEEN.get() + 1);
        SERVING.set(SERVING.get() + 1);
        Self
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        SERVING.set(SERVING.get() - 1);
    }
}

/// Both numbers, this request counted in.
pub fn report() -> String {
    format!("seen {}, serving {}\n", SEEN.get(), SERVING.get())
}

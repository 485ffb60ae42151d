//! Connections that are kept and that nobody uses: who can give them up.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;

use guesthouse_types::target::Target;

/// Who keeps connections for later.
pub trait Idle: Send + Sync {
    /// Closes those that nobody uses, but for those to one place.
    fn give_up(&self, but: Option<&Target>);
}

/// All of them.
#[derive(Default)]
pub struct AllIdle(Mutex<Vec<Weak<dyn Idle>>>);

impl AllIdle {
    /// One more. Those that are gone are forgotten.
    pub fn add(&self, idle: Weak<dyn Idle>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|idle| idle.strong_count() > 0);
        all.push(idle);
    }

    /// Each closes what nobody uses.
    pub fn give_up(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).for_each(|idle| idle.give_up(None));
    }
}

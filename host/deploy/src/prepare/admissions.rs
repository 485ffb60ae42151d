//! One admission per app, shared by its revisions as long as they ask for the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use guesthouse_app::admission::Admission;
use guesthouse_app::app::AppLimits;
use guesthouse_app::places::Places;
use guesthouse_types::name::AppName;

/// The admissions of all apps.
pub struct Admissions {
    host: Arc<Places>,
    /// At most half of the host for one app.
    concurrency_max: usize,
    // Held for one look only; no await is inside.
    known: Mutex<HashMap<AppName, (Shape, Arc<Admission>)>>,
}

/// What an admission is made of.
type Shape = (usize, usize, Duration);

impl Admissions {
    /// `host` bounds the requests of the whole host.
    pub fn new(host: Arc<Places>) -> Admissions {
        let concurrency_max = (host.fill().max / 2).max(1) as usize;
        Admissions { host, concurrency_max, known: Mutex::default() }
    }

    /// The host's.
    pub fn places(&self) -> Arc<Places> {
        self.host.clone()
    }

    /// The admission for `name` under `limits`, which are lowered to what one app may hold at all.
    pub fn share(&self, name: &AppName, limits: &mut AppLimits) -> Arc<Admission> {
        limits.concurrency = limits.concurrency.min(self.concurrency_max);
        let shape = (limits.concurrency, limits.queue, limits.queue_wait);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(name) {
            Some((same, admission)) if *same == shape => admission.clone(),
            _ => {
                let admission =
                    Arc::new(Admission::new(limits.concurrency, limits.queue, limits.queue_wait, self.host.clone()));
                known.insert(name.clone(), (shape, admission.clone()));
                admission
            }
        }
    }

    /// The app is gone.
    pub fn forget(&self, name: &AppName) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_share_an_admission_while_they_ask_for_the_same() {
        let admissions = Admissions::new(Places::new(10, 0));
        let shop = AppName::parse("shop").unwrap();
        let mut limits = AppLimits::default();
        let first = admissions.share(&shop, &mut limits);
        assert_eq!(limits.concurrency, 5);
        assert!(Arc::ptr_eq(&first, &admissions.share(&shop, &mut AppLimits::default())));
        let other = admissions.share(&shop, &mut AppLimits { queue: 1, ..AppLimits::default() });
        assert!(!Arc::ptr_eq(&first, &other));
    }
}

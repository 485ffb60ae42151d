//! All waiting instances of the host together: bounded in number, dropped when they get old, and given up first when
//! memory runs short.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// One guest's waiting instances, as seen from outside.
pub(crate) trait IdleOwner: Send + Sync {
    /// Since when the one waits that waits longest.
    fn oldest(&self) -> Option<Instant>;

    /// Drops that one; `false` when there is none.
    fn drop_oldest(&self) -> bool;

    /// Drops those which have waited for too long at `now`; tells when the next one will have.
    fn drop_overdue(&self, now: Instant) -> Option<Instant>;
}

pub(crate) struct IdleRegistry {
    /// Held to look through it only; instances are dropped after it was let go.
    lots: Mutex<Vec<Weak<dyn IdleOwner>>>,
    count: AtomicUsize,
    count_max: usize,
    /// Somebody waits, so that there is something to look after.
    begun: Notify,
}

/// No more often than this is looked for instances that have become old.
const LOOK: Duration = Duration::from_millis(100);

impl IdleRegistry {
    pub(crate) fn new(count_max: usize) -> Arc<IdleRegistry> {
        let (count, begun) = (AtomicUsize::new(0), Notify::new());
        Arc::new(IdleRegistry { lots: Mutex::default(), count, count_max, begun })
    }

    /// Looks after `idle_instances` for as long as it lives.
    pub(crate) fn watch(&self, idle_instances: &Arc<dyn IdleOwner>) {
        let mut lots = self.lock();
        lots.retain(|idle_instances| idle_instances.strong_count() > 0);
        lots.push(Arc::downgrade(idle_instances));
    }

    /// One more waits. When that is one too many, another that has waited longer goes.
    pub(crate) fn count_in(&self) {
        if self.count.fetch_add(1, Ordering::SeqCst) >= self.count_max {
            self.give_up_one();
        }
        self.begun.notify_one();
    }

    pub(crate) fn count_out(&self, count: usize) {
        self.count.fetch_sub(count, Ordering::SeqCst);
    }

    /// Drops the instance that waits longest; `false` when none waits.
    pub(crate) fn give_up_one(&self) -> bool {
        if self.count.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let oldest = self
            .lots()
            .into_iter()
            .filter_map(|idle_instances| Some((idle_instances.oldest()?, idle_instances)))
            .min_by_key(|(since, _)| *since);
        oldest.is_some_and(|(_, idle_instances)| idle_instances.drop_oldest())
    }

    /// Drops instances when they have waited for too long. Never ends.
    pub(crate) async fn tend(&self) {
        loop {
            let now = Instant::now();
            match self.lots().iter().filter_map(|idle_instances| idle_instances.drop_overdue(now)).min() {
                Some(next) => tokio::time::sleep_until(next.max(now + LOOK)).await,
                None => self.begun.notified().await,
            }
        }
    }

    fn lots(&self) -> Vec<Arc<dyn IdleOwner>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<dyn IdleOwner>>> {
        self.lots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

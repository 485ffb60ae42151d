//! Instances of one guest that wait for its next request.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::time::Instant;

use crate::bounds::idle::IdleOwner;
use crate::bounds::idle::IdleRegistry;
use crate::instances::instance::Instance;
use crate::instances::store::Common;
use crate::settings::Instances;

/// Puts an instance back for the next request. Dropping it drops the instance.
pub(crate) type PutBack = Box<dyn FnOnce() + Send>;

/// The waiting instances of one guest, the one that waits longest first. Empty for ever when the guest's instances are
/// not reused.
pub(crate) struct IdleInstances<D> {
    /// Held for a few instructions, never across an await, and not while an instance is dropped.
    waiting: Mutex<Queue<D>>,
    instances: Instances,
    idle: Arc<IdleRegistry>,
}

struct Queue<D> {
    parked: VecDeque<Parked<D>>,
    /// Instances made before are not wanted any more.
    not_before: Option<Instant>,
}

struct Parked<D> {
    instance: Box<Instance<D>>,
    since: Instant,
}

impl<D: Send + 'static> IdleInstances<D> {
    pub(crate) fn new(common: &Common) -> Arc<IdleInstances<D>> {
        let (instances, idle) = (common.settings.instances.clone(), common.idle.clone());
        let waiting = Mutex::new(Queue { parked: VecDeque::new(), not_before: None });
        let idle_instances = Arc::new(IdleInstances { waiting, instances, idle });
        if idle_instances.instances.are_reused() {
            let watched: Arc<dyn IdleOwner> = idle_instances.clone();
            idle_instances.idle.watch(&watched);
            common.account.waits_in(&watched);
        }
        idle_instances
    }

    /// The instance that has waited least: its memory is the warmest, and the others get old.
    pub(crate) fn take(&self) -> Option<Box<Instance<D>>> {
        if !self.instances.are_reused() {
            return None;
        }
        let parked = self.lock().parked.pop_back()?;
        self.idle.count_out(1);
        Some(parked.instance)
    }

    /// What is to be done with an instance that has answered: put back, once its response is complete, or dropped now.
    pub(crate) fn keep(self: &Arc<Self>, mut instance: Box<Instance<D>>) -> Option<PutBack> {
        let Instances { requests_max, growth_bytes_max, .. } = self.instances;
        if instance.served >= requests_max || instance.growth() > growth_bytes_max {
            return None;
        }
        instance.store.data_mut().rest();
        let idle_instances = self.clone();
        Some(Box::new(move || {
            let unwanted = {
                let mut row = idle_instances.lock();
                if row.not_before.is_some_and(|first| instance.made < first) {
                    Some(instance)
                } else {
                    row.parked.push_back(Parked { instance, since: Instant::now() });
                    idle_instances.idle.count_in();
                    None
                }
            };
            drop(unwanted);
        }))
    }

    /// From now on, no request gets an instance that was made before.
    pub(crate) fn forget(&self) {
        let unwanted = {
            let mut row = self.lock();
            row.not_before = Some(Instant::now());
            std::mem::take(&mut row.parked)
        };
        self.idle.count_out(unwanted.len());
    }

    fn lock(&self) -> MutexGuard<'_, Queue<D>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Send + 'static> IdleOwner for IdleInstances<D> {
    fn oldest(&self) -> Option<Instant> {
        self.lock().parked.front().map(|parked| parked.since)
    }

    fn drop_oldest(&self) -> bool {
        let oldest = self.lock().parked.pop_front();
        self.idle.count_out(usize::from(oldest.is_some()));
        oldest.is_some()
    }

    fn drop_overdue(&self, now: Instant) -> Option<Instant> {
        loop {
            let overdue = {
                let mut row = self.lock();
                let due = row.parked.front()?.since + self.instances.idle;
                if due > now {
                    return Some(due);
                }
                row.parked.pop_front()
            };
            drop(overdue);
            self.idle.count_out(1);
        }
    }
}

impl<D> Drop for IdleInstances<D> {
    fn drop(&mut self) {
        let row = self.waiting.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.idle.count_out(row.parked.len());
    }
}

//! The connections that are open: how many there may be, and the watch that ends those whose time is over.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::serve::activity::Activity;
use crate::serve::clock::Clock;
use crate::serve::overdue::Bounds;
use crate::serve::overdue::Order;
use crate::serve::overdue::verdict;
use crate::serve::settings::ServeSettings;

/// How long to wait for a connection to go before asking the next one.
const ASK_NEXT: Duration = Duration::from_millis(50);

/// All open connections.
pub struct OpenConnections {
    clock: Clock,
    bounds: Bounds,
    permits: Arc<Semaphore>,
    /// By number, so oldest first. Locked for an insert, a removal or a walk, never across an await.
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    activities: BTreeMap<u64, Arc<Activity>>,
}

impl OpenConnections {
    /// None yet.
    pub fn new(settings: &ServeSettings) -> OpenConnections {
        OpenConnections {
            clock: Clock::start(),
            bounds: Bounds::new(settings),
            permits: Arc::new(Semaphore::new(settings.connections_max)),
            open: Mutex::default(),
        }
    }

    /// Waits for the right to accept one more. When there is none left, the oldest idle connection is closed: so one
    /// place is always kept for the next visitor, as long as anyone is idle. Safe to drop.
    pub async fn permit(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = self.permits.clone().try_acquire_owned() {
                return permit;
            }
            self.shed_oldest_idle();
            if let Ok(Ok(permit)) = tokio::time::timeout(ASK_NEXT, self.permits.clone().acquire_owned()).await {
                return permit;
            }
        }
    }

    fn shed_oldest_idle(&self) {
        let open = self.lock();
        let idle = open.activities.values().filter(|activity| !activity.was_told(Order::Close));
        let oldest = idle
            .map(|activity| (activity, activity.look()))
            .filter(|(_, seen)| seen.requests == 0)
            .min_by_key(|(_, seen)| seen.waiting_since);
        if let Some((activity, seen)) = oldest {
            // One that never sent a whole head would not close by itself.
            activity.order(if seen.served { Order::Close } else { Order::Cut });
        }
    }

    /// Enters a connection into the list; it leaves it when what is returned is dropped.
    pub fn enter(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> OpenConnection {
        let activity = Arc::new(Activity::new(self.clock.clone()));
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.activities.insert(number, activity.clone());
        drop(open);
        OpenConnection { activity, number, all: self.clone(), _permit: permit }
    }

    /// Looks at all connections again and again, and ends those whose time is over.
    pub async fn watch(&self) -> Infallible {
        let begun = Instant::now();
        loop {
            tokio::time::sleep(self.bounds.period()).await;
            self.clock.set(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX - 1));
            let now = self.clock.now();
            for activity in self.lock().activities.values() {
                match verdict(&activity.look(), now, &self.bounds) {
                    Order::Stay => {}
                    order => activity.order(order),
                }
            }
        }
    }

    /// Tells all connections the same. Returns how many there were.
    pub fn order_all(&self, order: Order) -> usize {
        let open = self.lock();
        open.activities.values().for_each(|activity| activity.order(order));
        open.activities.len()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("nothing panics while this lock is held")
    }
}

/// One open connection's place in the list.
pub struct OpenConnection {
    /// What it is doing.
    pub activity: Arc<Activity>,
    number: u64,
    all: Arc<OpenConnections>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.all.lock().activities.remove(&self.number);
    }
}

//! The connections that are open: how many there may be, and the watch that ends those whose time is over.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::settings::ServeSettings;
use crate::track::activity::Activity;
use crate::track::clock::Clock;
use crate::track::timeouts::CloseOrder;
use crate::track::timeouts::Timeouts;
use crate::track::timeouts::verdict;
use crate::trusted::Trusted;

/// How long to wait for a connection to go before asking the next one.
const ASK_NEXT: Duration = Duration::from_millis(50);

/// All open connections.
pub struct OpenConnections {
    clock: Clock,
    bounds: Timeouts,
    permits: Arc<Semaphore>,
    per_address_max: usize,
    trusted: Trusted,
    /// By number, so oldest first. Locked for an insert, a removal or a walk, never across an await.
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    activities: BTreeMap<u64, Arc<Activity>>,
    /// How many each address has.
    per_address: HashMap<IpAddr, usize>,
}

impl OpenConnections {
    /// None yet.
    pub fn new(settings: &ServeSettings) -> OpenConnections {
        OpenConnections {
            clock: Clock::start(),
            bounds: Timeouts::new(settings),
            permits: Arc::new(Semaphore::new(settings.connections_max)),
            per_address_max: settings.connections_per_address_max,
            trusted: settings.trusted.clone(),
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
        let idle = open.activities.values().filter(|activity| !activity.was_told(CloseOrder::Close));
        let oldest = idle
            .map(|activity| (activity, activity.look()))
            .filter(|(_, seen)| seen.requests == 0)
            .min_by_key(|(_, seen)| seen.waiting_since);
        if let Some((activity, seen)) = oldest {
            // One that never sent a whole head would not close by itself.
            activity.order(if seen.served { CloseOrder::Close } else { CloseOrder::Cut });
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
        OpenConnection { activity, number, address: None, all: self.clone(), _permit: permit }
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
                    CloseOrder::Stay => {}
                    order => activity.order(order),
                }
            }
        }
    }

    /// Tells all connections the same. Returns how many there were.
    pub fn order_all(&self, order: CloseOrder) -> usize {
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
    /// On whose account it goes.
    address: Option<IpAddr>,
    all: Arc<OpenConnections>,
    _permit: OwnedSemaphorePermit,
}

impl OpenConnection {
    /// Puts it on the account of a visitor, who may not have too many. Trusted proxies have no account: they speak for many.
    pub fn belongs_to(&mut self, visitor: IpAddr) -> io::Result<()> {
        if self.all.trusted.is(Some(visitor)) {
            return Ok(());
        }
        let address = account(visitor);
        let mut open = self.all.lock();
        let count = open.per_address.entry(address).or_default();
        if *count >= self.all.per_address_max {
            let most = self.all.per_address_max;
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!("{address} has {most} connections already"),
            ));
        }
        *count += 1;
        self.address = Some(address);
        Ok(())
    }
}

/// IPv6 hands out networks of 64 bits, in which everybody has as many addresses as they like.
fn account(visitor: IpAddr) -> IpAddr {
    match visitor {
        IpAddr::V4(_) => visitor,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut open = self.all.lock();
        open.activities.remove(&self.number);
        if let Some(address) = self.address
            && let Some(count) = open.per_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                open.per_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_only_so_many_connections_and_gets_them_back() {
        let trusted = Trusted { networks: vec!["10.0.0.0/8".parse().unwrap()], unix: false };
        let settings = ServeSettings { connections_per_address_max: 2, trusted, ..ServeSettings::default() };
        let all = Arc::new(OpenConnections::new(&settings));
        let enter = async |address: &str| {
            let mut connection = all.enter(all.permit().await);
            connection.belongs_to(address.parse().unwrap()).map(|()| connection)
        };
        let first = enter("192.0.2.1").await.unwrap();
        let _second = enter("192.0.2.1").await.unwrap();
        assert!(enter("192.0.2.1").await.is_err());
        let _other = enter("192.0.2.2").await.unwrap();
        drop(first);
        let _third = enter("192.0.2.1").await.unwrap();
        let _of_one_network = [enter("2001:db8::1").await.unwrap(), enter("2001:db8::2").await.unwrap()];
        assert!(enter("2001:db8::3").await.is_err());
        assert!(enter("2001:db8:0:1::3").await.is_ok());
        let _of_a_proxy =
            [enter("10.0.0.1").await, enter("10.0.0.1").await, enter("10.0.0.1").await].map(Result::unwrap);
    }
}

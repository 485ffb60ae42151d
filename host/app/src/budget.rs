//! Bytes on the disk or in memory that are paid for before they are kept: in all, for each app and for each visitor.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use guesthouse_types::name::AppName;

use crate::fill::Fill;
use crate::places::pace::Visitor;

/// A bound on bytes: half of it for one app, a quarter for one visitor.
#[derive(Debug)]
pub struct Budget {
    bytes_max: u64,
    // Held for a few instructions, never across an await.
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    all: u64,
    apps: HashMap<AppName, u64>,
    visitors: HashMap<Visitor, u64>,
}

/// What one request has paid for, given back on drop.
#[derive(Debug)]
pub struct Charge {
    budget: Arc<Budget>,
    app: AppName,
    visitor: Visitor,
    bytes: u64,
}

/// Which bound has no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// The host's.
    #[error("all requests together have {0} bytes waiting, and more are not kept")]
    Host(u64),
    /// The app's half.
    #[error("the requests of this app have {0} bytes waiting, and more are not kept")]
    App(u64),
    /// The visitor's quarter.
    #[error("the requests of one visitor have {0} bytes waiting, and more are not kept")]
    Visitor(u64),
}

impl Budget {
    /// So many bytes in all.
    pub fn new(bytes_max: u64) -> Arc<Budget> {
        Arc::new(Budget { bytes_max, spent: Mutex::default() })
    }

    /// The most that one visitor can have, in bytes.
    pub fn visitor_bytes_max(&self) -> u64 {
        self.bytes_max / 4
    }

    /// Nothing yet, for a request of `visitor` to `app`.
    pub fn charge(self: &Arc<Self>, app: &AppName, visitor: Visitor) -> Charge {
        Charge { budget: self.clone(), app: app.clone(), visitor, bytes: 0 }
    }

    /// How full it is, in bytes.
    pub fn fill(&self) -> Fill {
        Fill { used: self.lock().all, max: self.bytes_max, ..Fill::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Charge {
    /// Pays for more, or for nothing at all.
    pub fn pay(&mut self, bytes: u64) -> Result<(), Exhausted> {
        let Budget { bytes_max, .. } = *self.budget;
        let mut spent = self.budget.lock();
        let of_app = spent.apps.get(&self.app).copied().unwrap_or_default();
        let of_visitor = spent.visitors.get(&self.visitor).copied().unwrap_or_default();
        if of_visitor.saturating_add(bytes) > bytes_max / 4 {
            return Err(Exhausted::Visitor(of_visitor));
        }
        if of_app.saturating_add(bytes) > bytes_max / 2 {
            return Err(Exhausted::App(of_app));
        }
        if spent.all.saturating_add(bytes) > bytes_max {
            return Err(Exhausted::Host(spent.all));
        }
        spent.all += bytes;
        *spent.apps.entry(self.app.clone()).or_default() += bytes;
        *spent.visitors.entry(self.visitor).or_default() += bytes;
        drop(spent);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut spent = self.budget.lock();
        spent.all -= self.bytes;
        give_back(&mut spent.apps, &self.app, self.bytes);
        give_back(&mut spent.visitors, &self.visitor, self.bytes);
    }
}

fn give_back<K: Hash + Eq>(spent: &mut HashMap<K, u64>, key: &K, bytes: u64) {
    let Some(of_key) = spent.get_mut(key) else { return };
    *of_key -= bytes;
    if *of_key == 0 {
        spent.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn charge(budget: &Arc<Budget>, app: &str, last: u8) -> Charge {
        budget.charge(&AppName::parse(app).unwrap(), Visitor::of(Some(Ipv4Addr::new(192, 0, 2, last).into())))
    }

    #[test]
    fn one_visitor_has_a_quarter_and_one_app_a_half() {
        let budget = Budget::new(100);
        let mut first = charge(&budget, "shop", 1);
        assert_eq!(first.pay(25), Ok(()));
        assert_eq!(first.pay(1), Err(Exhausted::Visitor(25)));
        assert_eq!(charge(&budget, "other", 1).pay(1), Err(Exhausted::Visitor(25)), "in whatever app");
        let mut second = charge(&budget, "shop", 2);
        assert_eq!(second.pay(25), Ok(()));
        assert_eq!(charge(&budget, "shop", 3).pay(1), Err(Exhausted::App(50)));
        let mut others = [charge(&budget, "other", 3), charge(&budget, "other", 4)];
        assert!(others.iter_mut().all(|other| other.pay(25).is_ok()));
        assert_eq!(charge(&budget, "third", 5).pay(1), Err(Exhausted::Host(100)));
        drop(first);
        assert_eq!((budget.fill().used, charge(&budget, "third", 5).pay(25)), (75, Ok(())));
        drop((second, others));
        assert_eq!(budget.fill().used, 0);
        assert!(budget.lock().apps.is_empty() && budget.lock().visitors.is_empty());
    }
}

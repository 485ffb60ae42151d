//! The count of memory: of one instance, of all instances of a guest, and of all guests together.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use wasmtime::ResourceLimiter;

use crate::idle::Idle;
use crate::idle::Waiting;
use crate::limits::TABLE_ELEMENTS_MAX;

/// What one entry of a table takes, in bytes: as much as the largest kind of reference.
const TABLE_ELEMENT_BYTES: u64 = 16;

/// The memory of all guests together: linear memories, tables, and bodies that the host buffers for them.
pub(crate) struct MemoryTotal {
    used: AtomicU64,
    bytes_max: u64,
    /// Instances that only wait are given up before a request is told that there is no memory.
    idle: Arc<Idle>,
}

impl MemoryTotal {
    pub(crate) fn new(bytes_max: u64, idle: &Arc<Idle>) -> MemoryTotal {
        MemoryTotal { used: AtomicU64::new(0), bytes_max, idle: idle.clone() }
    }
}

/// The memory of one guest's instances together: never all that there is, so that a guest which takes what it can get
/// leaves something for the others.
pub(crate) struct Account {
    total: Arc<MemoryTotal>,
    used: AtomicU64,
    bytes_max: u64,
    /// The guest's instances that wait, if any ever do.
    lot: OnceLock<Weak<dyn Waiting>>,
}

impl Account {
    /// Half of the total, or one whole instance where that is more.
    pub(crate) fn new(total: &Arc<MemoryTotal>, instance_bytes_max: u64) -> Account {
        let bytes_max = (total.bytes_max / 2).max(instance_bytes_max);
        Account { total: total.clone(), used: AtomicU64::new(0), bytes_max, lot: OnceLock::new() }
    }

    /// Says where this guest's instances wait.
    pub(crate) fn waits_in(&self, lot: &Arc<dyn Waiting>) {
        // A guest has one lot.
        let _ = self.lot.set(Arc::downgrade(lot));
    }

    fn take(&self, bytes: u64) -> bool {
        // Whoever has too much gives up what is its own; when all have too much, whoever has waited longest goes.
        let own = || self.lot.get().and_then(Weak::upgrade).is_some_and(|lot| lot.drop_oldest());
        if !take(&self.used, bytes, self.bytes_max, own) {
            return false;
        }
        let taken = take(&self.total.used, bytes, self.total.bytes_max, || self.total.idle.give_up_one());
        if !taken {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.total.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Adds to `used`, unless it would become more than the most, and nobody makes room.
fn take(used: &AtomicU64, bytes: u64, bytes_max: u64, make_room: impl Fn() -> bool) -> bool {
    loop {
        if used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= bytes_max {
            return true;
        }
        used.fetch_sub(bytes, Ordering::Relaxed);
        if bytes > bytes_max || !make_room() {
            return false;
        }
    }
}

/// A share of a guest's account, given back on drop.
pub(crate) struct Share {
    account: Arc<Account>,
    bytes: u64,
}

impl Share {
    pub(crate) fn new(account: &Arc<Account>) -> Share {
        Share { account: account.clone(), bytes: 0 }
    }

    /// Makes the share larger; `false`, and nothing taken, when the guest or the host has no more.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let taken = self.account.take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.account.give_back(self.bytes);
    }
}

/// The memory of one instance: its linear memories, and beside them its tables.
pub(crate) struct Memory {
    pub(crate) bytes_max: u64,
    bytes: u64,
    table_elements: usize,
    share: Share,
    /// Which bound refused the guest's last wish, if one did: a trap after that is a lack of memory.
    pub(crate) refused_by: Option<Bound>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Instance,
    Host,
}

impl Memory {
    pub(crate) fn new(bytes_max: u64, account: &Arc<Account>) -> Memory {
        Memory { bytes_max, bytes: 0, table_elements: 0, share: Share::new(account), refused_by: None }
    }

    /// The linear memory that the instance has now, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        self.refused_by = if self.bytes.saturating_add(more) > self.bytes_max {
            Some(Bound::Instance)
        } else if !self.share.grow(more) {
            Some(Bound::Host)
        } else {
            self.bytes += more;
            None
        };
        Ok(self.refused_by.is_none())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.table_elements.saturating_add(more) > TABLE_ELEMENTS_MAX {
            return Ok(false);
        }
        if !self.share.grow(more as u64 * TABLE_ELEMENT_BYTES) {
            self.refused_by = Some(Bound::Host);
            return Ok(false);
        }
        self.table_elements += more;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(total: &MemoryTotal) -> u64 {
        total.used.load(Ordering::Relaxed)
    }

    #[test]
    fn memory_is_counted_per_instance_and_over_all_and_given_back() {
        let total = Arc::new(MemoryTotal::new(100, &Idle::new(0)));
        let accounts = [(); 2].map(|()| Arc::new(Account::new(&total, 80)));
        let [mut first, mut second] = accounts.each_ref().map(|account| Memory::new(80, account));
        assert!(first.memory_growing(0, 60, None).unwrap());
        assert!(!first.memory_growing(60, 90, None).unwrap());
        assert_eq!(first.refused_by, Some(Bound::Instance));
        assert!(!second.memory_growing(0, 60, None).unwrap());
        assert_eq!(second.refused_by, Some(Bound::Host));
        drop(first);
        assert!(second.memory_growing(0, 60, None).unwrap());
        drop(second);
        assert_eq!(used(&total), 0);
    }

    #[test]
    fn one_guest_leaves_half_to_the_others() {
        let total = Arc::new(MemoryTotal::new(100, &Idle::new(0)));
        let (greedy, modest) = (Arc::new(Account::new(&total, 20)), Arc::new(Account::new(&total, 20)));
        let mut hoard: Vec<Memory> = Vec::new();
        loop {
            let mut memory = Memory::new(20, &greedy);
            if !memory.memory_growing(0, 20, None).unwrap() {
                assert_eq!(memory.refused_by, Some(Bound::Host));
                break;
            }
            hoard.push(memory);
        }
        assert_eq!((hoard.len(), used(&total)), (2, 40));
        assert!(Memory::new(20, &modest).memory_growing(0, 20, None).unwrap());
        drop(hoard);
        assert_eq!((used(&total), greedy.used.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn one_instance_may_be_larger_than_half() {
        let total = Arc::new(MemoryTotal::new(100, &Idle::new(0)));
        let account = Arc::new(Account::new(&total, 90));
        assert!(Memory::new(90, &account).memory_growing(0, 90, None).unwrap());
    }

    #[test]
    fn many_tables_hold_no_more_than_one_and_count_as_memory() {
        let total = Arc::new(MemoryTotal::new(1 << 30, &Idle::new(0)));
        let account = Arc::new(Account::new(&total, 1 << 20));
        let mut memory = Memory::new(1 << 20, &account);
        for _ in 0..10 {
            assert!(memory.table_growing(0, TABLE_ELEMENTS_MAX / 10, None).unwrap());
        }
        assert!(!memory.table_growing(0, 1, None).unwrap());
        assert_eq!((memory.bytes(), used(&total)), (0, TABLE_ELEMENTS_MAX as u64 * TABLE_ELEMENT_BYTES));
        drop(memory);
        assert_eq!(used(&total), 0);
    }
}

//! The count of memory: of one instance, of all instances of a guest, and of all guests together.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use guesthouse_component::inspect::TABLE_ELEMENTS_MAX;
use wasmtime::ResourceLimiter;

use crate::bounds::idle::IdleOwner;
use crate::bounds::idle::IdleRegistry;
use crate::fault::MemoryRefusal;

/// What one entry of a table takes, in bytes: as much as the largest kind of reference.
const TABLE_ELEMENT_BYTES: u64 = 16;

/// The memory of all guests together: linear memories, tables, and bodies that the host buffers for them.
pub(crate) struct MemoryTotal {
    used: AtomicU64,
    bytes_max: u64,
    /// Instances that only wait are given up before a request is told that there is no memory.
    idle: Arc<IdleRegistry>,
}

impl MemoryTotal {
    pub(crate) fn new(bytes_max: u64, idle: &Arc<IdleRegistry>) -> MemoryTotal {
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
    idle_instances: OnceLock<Weak<dyn IdleOwner>>,
}

impl Account {
    /// Half of the total, or one whole instance where that is more.
    pub(crate) fn new(total: &Arc<MemoryTotal>, instance_bytes_max: u64) -> Account {
        let bytes_max = (total.bytes_max / 2).max(instance_bytes_max);
        Account { total: total.clone(), used: AtomicU64::new(0), bytes_max, idle_instances: OnceLock::new() }
    }

    /// Says where this guest's instances wait.
    pub(crate) fn waits_in(&self, idle_instances: &Arc<dyn IdleOwner>) {
        // A guest has one set of idle instances.
        let _ = self.idle_instances.set(Arc::downgrade(idle_instances));
    }

    fn take(&self, bytes: u64) -> bool {
        // Whoever has too much gives up what is its own; when all have too much, whoever has waited longest goes.
        let own = || {
            self.idle_instances.get().and_then(Weak::upgrade).is_some_and(|idle_instances| idle_instances.drop_oldest())
        };
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

    /// Gives back some of what was taken.
    fn shrink(&mut self, bytes: u64) {
        self.bytes -= bytes;
        self.account.give_back(bytes);
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
    /// What was counted for the last growth that was allowed, which may yet fail.
    allowed: u64,
    /// Which bound refused the guest's last wish, if one did: a trap after that is a lack of memory.
    pub(crate) refused_by: Option<MemoryRefusal>,
}

impl Memory {
    pub(crate) fn new(bytes_max: u64, account: &Arc<Account>) -> Memory {
        Memory { bytes_max, bytes: 0, table_elements: 0, share: Share::new(account), allowed: 0, refused_by: None }
    }

    /// The linear memory that the instance has now, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What wasmtime says of a growth that it never asked about: the type of the memory has no room for so much. It has no type
/// for it; `a_growth_that_fails_is_not_counted` fails when the words are others.
const BEYOND_ITS_TYPE: &str = "memory growth exceeds memory type's limits";

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.allowed = 0;
        // The component's own bound: it would fail, and nothing is to be counted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            self.refused_by = None;
            return Ok(false);
        }
        let more = desired.saturating_sub(current) as u64;
        self.refused_by = if self.bytes.saturating_add(more) > self.bytes_max {
            Some(MemoryRefusal::Instance { bytes_max: self.bytes_max })
        } else if !self.share.grow(more) {
            Some(MemoryRefusal::Host)
        } else {
            self.bytes += more;
            self.allowed = more;
            None
        };
        Ok(self.refused_by.is_none())
    }

    /// The system has no memory, or the slot no room: what was counted is given back.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if error.root_cause().to_string() != BEYOND_ITS_TYPE {
            let failed = std::mem::take(&mut self.allowed);
            self.bytes -= failed;
            self.share.shrink(failed);
        }
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Nothing else makes the growth of a table fail, but for a lack of memory, which ends the guest.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        if self.table_elements.saturating_add(more) > TABLE_ELEMENTS_MAX {
            return Ok(false);
        }
        if !self.share.grow(more as u64 * TABLE_ELEMENT_BYTES) {
            self.refused_by = Some(MemoryRefusal::Host);
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
        let total = Arc::new(MemoryTotal::new(100, &IdleRegistry::new(0)));
        let accounts = [(); 2].map(|()| Arc::new(Account::new(&total, 80)));
        let [mut first, mut second] = accounts.each_ref().map(|account| Memory::new(80, account));
        assert!(first.memory_growing(0, 60, None).unwrap());
        assert!(!first.memory_growing(60, 90, None).unwrap());
        assert!(matches!(first.refused_by, Some(MemoryRefusal::Instance { .. })));
        assert!(!second.memory_growing(0, 60, None).unwrap());
        assert_eq!(second.refused_by, Some(MemoryRefusal::Host));
        drop(first);
        assert!(second.memory_growing(0, 60, None).unwrap());
        drop(second);
        assert_eq!(used(&total), 0);
    }

    #[test]
    fn one_guest_leaves_half_to_the_others() {
        let total = Arc::new(MemoryTotal::new(100, &IdleRegistry::new(0)));
        let (greedy, modest) = (Arc::new(Account::new(&total, 20)), Arc::new(Account::new(&total, 20)));
        let mut hoard: Vec<Memory> = Vec::new();
        loop {
            let mut memory = Memory::new(20, &greedy);
            if !memory.memory_growing(0, 20, None).unwrap() {
                assert_eq!(memory.refused_by, Some(MemoryRefusal::Host));
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
        let total = Arc::new(MemoryTotal::new(100, &IdleRegistry::new(0)));
        let account = Arc::new(Account::new(&total, 90));
        assert!(Memory::new(90, &account).memory_growing(0, 90, None).unwrap());
    }

    #[test]
    fn many_tables_hold_no_more_than_one_and_count_as_memory() {
        let total = Arc::new(MemoryTotal::new(1 << 30, &IdleRegistry::new(0)));
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

    /// A memory of one page, at most two; a table of one entry, at most two; and what grows them:
    /// `(memory 1 2) (table 1 2 funcref) (func (export "m") (param i32) (result i32) local.get 0 memory.grow)
    /// (func (export "t") (param i32) (result i32) ref.null func local.get 0 table.grow 0)`.
    const GROWS: &[u8] = &[
        0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 3, 2, 0, 0, 4, 5, 1, 0x70, 1, 1, 2, 5, 4,
        1, 1, 1, 2, 7, 9, 2, 1, b'm', 0, 0, 1, b't', 0, 1, 10, 18, 2, 6, 0, 0x20, 0, 0x40, 0, 0x0b, 9, 0, 0xd0, 0x70,
        0x20, 0, 0xfc, 15, 0, 0x0b,
    ];

    #[test]
    fn a_growth_that_fails_is_not_counted() {
        const PAGE: u64 = 65_536;
        let total = Arc::new(MemoryTotal::new(1 << 40, &IdleRegistry::new(0)));
        let account = Arc::new(Account::new(&total, 1 << 40));
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::new(&engine, GROWS).unwrap();
        let mut store = wasmtime::Store::new(&engine, Memory::new(1 << 40, &account));
        store.limiter(|memory| memory);
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let [pages, entries] = ["m", "t"].map(|name| instance.get_typed_func::<i32, i32>(&mut store, name).unwrap());
        let counted = |store: &wasmtime::Store<Memory>| {
            let memory = store.data();
            assert_eq!(used(&total), memory.bytes + memory.table_elements as u64 * TABLE_ELEMENT_BYTES);
            (memory.bytes / PAGE, memory.table_elements)
        };
        assert_eq!(counted(&store), (1, 1));
        assert_eq!((pages.call(&mut store, 1).unwrap(), counted(&store)), (1, (2, 1)));
        // Beyond its own maximum; and beyond what its type can hold, which the limiter is not asked about.
        for more in [1, 0xffff, -1] {
            assert_eq!((pages.call(&mut store, more).unwrap(), counted(&store)), (-1, (2, 1)), "{more}");
        }
        assert_eq!((entries.call(&mut store, 1).unwrap(), counted(&store)), (1, (2, 2)));
        for more in [1, -1] {
            assert_eq!((entries.call(&mut store, more).unwrap(), counted(&store)), (-1, (2, 2)), "{more}");
        }
        drop(store);
        assert_eq!(used(&total), 0);
    }

    #[test]
    fn what_the_system_refuses_is_given_back_once() {
        let total = Arc::new(MemoryTotal::new(100, &IdleRegistry::new(0)));
        let account = Arc::new(Account::new(&total, 100));
        let mut memory = Memory::new(100, &account);
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(memory.memory_growing(40, 60, None).unwrap());
        for _ in 0..2 {
            memory.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
            assert_eq!((memory.bytes(), used(&total)), (40, 40));
        }
    }
}

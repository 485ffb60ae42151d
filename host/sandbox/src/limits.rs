//! The bounds that hold for one app on every path, and the count of memory over all of them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::idle::Idle;

/// What one request to one app may use. Every bound holds whether or not the guest co-operates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, all its memories together, in bytes.
    pub memory_bytes_max: u64,
    /// CPU time of one request.
    pub cpu: Duration,
    /// From the call to the response's head.
    pub head: Duration,
    /// Between two pieces of the response's body, counted only while the visitor is ready to take one.
    pub body_idle: Duration,
    /// Length of a buffered (gateway) response's body, in bytes.
    pub response_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes_max: 128 << 20,
            cpu: Duration::from_secs(30),
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(60),
            response_bytes_max: 16 << 20,
        }
    }
}

/// Entries of one table: more than any toolchain makes, few enough that a table is no way around the memory limit.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;

/// The memory of all guests together: linear memories, and bodies that the host buffers for them.
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

    fn take(&self, bytes: u64) -> bool {
        loop {
            if self.used.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.bytes_max {
                return true;
            }
            self.give_back(bytes);
            if bytes > self.bytes_max || !self.idle.give_up_one() {
                return false;
            }
        }
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A share of the total, given back on drop.
pub(crate) struct Share {
    total: Arc<MemoryTotal>,
    bytes: u64,
}

impl Share {
    pub(crate) fn new(total: &Arc<MemoryTotal>) -> Share {
        Share { total: total.clone(), bytes: 0 }
    }

    /// Makes the share larger; `false`, and nothing taken, when the total does not allow it.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let taken = self.total.take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.total.give_back(self.bytes);
    }
}

/// The linear memory of one instance.
pub(crate) struct Memory {
    pub(crate) bytes_max: u64,
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
    pub(crate) fn new(bytes_max: u64, total: &Arc<MemoryTotal>) -> Memory {
        Memory { bytes_max, share: Share::new(total), refused_by: None }
    }

    /// What the instance has now, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.share.bytes
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        self.refused_by = if self.share.bytes + more > self.bytes_max {
            Some(Bound::Instance)
        } else if !self.share.grow(more) {
            Some(Bound::Host)
        } else {
            None
        };
        Ok(self.refused_by.is_none())
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_per_instance_and_over_all_and_given_back() {
        let total = Arc::new(MemoryTotal::new(100, &Idle::new(0)));
        let mut first = Memory::new(80, &total);
        let mut second = Memory::new(80, &total);
        assert!(first.memory_growing(0, 60, None).unwrap());
        assert!(!first.memory_growing(60, 90, None).unwrap());
        assert_eq!(first.refused_by, Some(Bound::Instance));
        assert!(!second.memory_growing(0, 60, None).unwrap());
        assert_eq!(second.refused_by, Some(Bound::Host));
        drop(first);
        assert!(second.memory_growing(0, 60, None).unwrap());
        drop(second);
        assert_eq!(total.used.load(Ordering::Relaxed), 0);
    }
}

//! What the host keeps for one instance in its own memory: the more things there are, the smaller each may be.
//!
//! A guest may hold thousands of things of the host's, and some hold what the guest puts into them. Each has a bound, and
//! all bounds together would be gigabytes that no limit of memory counts.

use wasmtime::component::ResourceTable;

/// Things that an instance may hold while each may still be large; so many more for each request that it may answer at once.
const ROOMY_THINGS_MAX: usize = 64;
const ROOMY_THINGS_PER_REQUEST: usize = 8;

/// Bytes of one set of fields: as many as the head of a response may have, and as a small one needs.
const ROOMY_FIELDS_BYTES: usize = 128 << 10;
const TIGHT_FIELDS_BYTES: usize = 4 << 10;

/// Bodies of the 0.2 lane that one request may begin while each may buffer much. A response has one.
const ROOMY_BODIES_MAX: u32 = 8;
const ROOMY_BODY_BYTES: usize = 1 << 20;
const TIGHT_BODY_BYTES: usize = 4 << 10;

/// How often it is counted, in calls of the host for HTTP.
const CALLS_PER_COUNT: u32 = 32;

/// How much one instance may have the host keep.
pub(crate) struct HostMemory {
    roomy_things_max: usize,
    calls: u32,
    bodies: u32,
    is_tight: bool,
}

impl HostMemory {
    pub(crate) fn new(concurrent_max: u32) -> HostMemory {
        let roomy_things_max = ROOMY_THINGS_MAX + ROOMY_THINGS_PER_REQUEST * concurrent_max as usize;
        HostMemory { roomy_things_max, calls: 0, bodies: 0, is_tight: false }
    }

    /// The instance goes on to another request, and still holds `things`: bodies may be among them.
    pub(crate) fn renew(&mut self, things: &mut ResourceTable) {
        self.count(things);
        if !self.is_tight {
            self.bodies = 0;
        }
    }

    /// Bytes of a set of fields that is made now, by a guest which holds `things`.
    pub(crate) fn fields_bytes_max(&mut self, things: &mut ResourceTable) -> usize {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(CALLS_PER_COUNT) {
            self.count(things);
        }
        if self.is_tight { TIGHT_FIELDS_BYTES } else { ROOMY_FIELDS_BYTES }
    }

    fn count(&mut self, things: &mut ResourceTable) {
        self.is_tight = things.iter_mut().take(self.roomy_things_max + 1).count() > self.roomy_things_max;
    }

    /// Bytes that a body may take in one write, which is begun now.
    pub(crate) fn body_bytes_max(&mut self) -> usize {
        self.bodies = self.bodies.saturating_add(1);
        if self.bodies <= ROOMY_BODIES_MAX { ROOMY_BODY_BYTES } else { TIGHT_BODY_BYTES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_things_are_small_ones_until_there_are_few_again() {
        let mut host_memory = HostMemory::new(1);
        let mut things = ResourceTable::new();
        let mut held = Vec::new();
        while host_memory.fields_bytes_max(&mut things) == ROOMY_FIELDS_BYTES {
            held.push(things.push("a thing").unwrap());
        }
        assert!((73..=73 + CALLS_PER_COUNT as usize).contains(&held.len()), "{}", held.len());
        for thing in held {
            things.delete(thing).unwrap();
        }
        (0..CALLS_PER_COUNT).for_each(|_| _ = host_memory.fields_bytes_max(&mut things));
        assert_eq!(host_memory.fields_bytes_max(&mut things), ROOMY_FIELDS_BYTES);
    }

    #[test]
    fn the_first_bodies_of_each_request_have_room() {
        let mut host_memory = HostMemory::new(1);
        for _ in 0..2 {
            let sizes: Vec<usize> = (0..10).map(|_| host_memory.body_bytes_max()).collect();
            assert_eq!((sizes[0], sizes[7], sizes[8]), (ROOMY_BODY_BYTES, ROOMY_BODY_BYTES, TIGHT_BODY_BYTES));
            host_memory.renew(&mut ResourceTable::new());
        }
    }
}

//! The files that one instance has open: counted, bounded, and known by the folder that they came from.

use std::fs::File;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::depot::BLOCK_BYTES;
use crate::depot::Depot;

/// Files and folders that one instance may have open: four times what an ordinary program needs, and each is a descriptor
/// of the host.
pub(crate) const FILES_MAX: usize = 128;

/// Streams from and to those, and descriptors of them, together. A stream may hold 64 KiB of the host's memory.
pub(crate) const HANDLES_MAX: usize = 256;

/// What all instances together have open.
pub(crate) struct OpenFiles {
    open: AtomicUsize,
    open_max: usize,
}

impl OpenFiles {
    pub(crate) fn new(open_max: usize) -> OpenFiles {
        OpenFiles { open: AtomicUsize::new(0), open_max }
    }

    fn take(&self) -> bool {
        let fits = self.open.fetch_add(1, Ordering::Relaxed) < self.open_max;
        if !fits {
            self.give_back(1);
        }
        fits
    }

    fn give_back(&self, count: usize) {
        self.open.fetch_sub(count, Ordering::Relaxed);
    }
}

/// What one instance has open.
pub(crate) struct Handles {
    all: Arc<OpenFiles>,
    known: Vec<Known>,
    /// Taken from `all`.
    taken: usize,
}

/// A file that is, or was, open. It is known by its place in memory, which stays taken as long as this lives.
struct Known {
    file: Weak<File>,
    ground: Ground,
}

/// What a file that is open stands on.
#[derive(Clone, Default)]
pub(crate) struct Ground {
    /// `None` where nothing is written.
    pub(crate) depot: Option<Arc<Depot>>,
    paid: Arc<Paid>,
}

/// The last block that was paid for, so that many small writes to one are not many blocks.
#[derive(Default)]
pub(crate) struct Paid {
    /// Its number in the file and one more; nothing yet is 0.
    block: AtomicU64,
    /// How much was appended, of which it is not known where it stands.
    appended: AtomicU64,
}

impl Handles {
    pub(crate) fn new(all: &Arc<OpenFiles>) -> Handles {
        Handles { all: all.clone(), known: Vec::new(), taken: 0 }
    }

    /// Makes room for one more file that is to be opened; `false` when the instance or the host has too many open.
    pub(crate) fn make_room(&mut self) -> bool {
        self.forget_closed();
        self.known.len() < FILES_MAX && self.has_room_for_stream() && {
            let taken = self.all.take();
            self.taken += usize::from(taken);
            taken
        }
    }

    /// Whether the instance may make a stream, or another descriptor.
    pub(crate) fn has_room_for_stream(&self) -> bool {
        self.known.iter().map(|known| known.file.strong_count()).sum::<usize>() < HANDLES_MAX
    }

    /// A file was opened, for which there was room.
    pub(crate) fn enter(&mut self, file: &Arc<File>, depot: Option<Arc<Depot>>) {
        let ground = Ground { depot, paid: Arc::default() };
        self.known.push(Known { file: Arc::downgrade(file), ground });
    }

    /// What an open file stands on; nothing where it is not known.
    pub(crate) fn ground(&self, file: &Arc<File>) -> Option<&Ground> {
        let known = self.known.iter().find(|known| std::ptr::eq(known.file.as_ptr(), Arc::as_ptr(file)));
        known.map(|known| &known.ground)
    }

    /// Closed files are no longer counted.
    pub(crate) fn forget_closed(&mut self) {
        self.known.retain(|known| known.file.strong_count() > 0);
        self.all.give_back(self.taken.saturating_sub(self.known.len()));
        self.taken = self.known.len();
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        self.all.give_back(self.taken);
    }
}

impl Ground {
    /// What a write of `bytes` at `offset` may add to what the disk holds.
    pub(crate) fn cost(&self, offset: u64, bytes: u64) -> u64 {
        if bytes == 0 {
            return 0;
        }
        let (first, end) = (offset / BLOCK_BYTES, offset.saturating_add(bytes).div_ceil(BLOCK_BYTES));
        let is_paid = self.paid.block.load(Ordering::Relaxed) == first + 1;
        (end - first - u64::from(is_paid)).saturating_mul(BLOCK_BYTES)
    }

    /// A write was paid for.
    pub(crate) fn paid(&self, offset: u64, bytes: u64) {
        let last = offset.saturating_add(bytes.saturating_sub(1)) / BLOCK_BYTES;
        self.paid.block.store(last + 1, Ordering::Relaxed);
    }

    /// What `bytes` at the end may add: a block more than they fill, at first.
    pub(crate) fn cost_at_end(&self, bytes: u64) -> u64 {
        let before = self.paid.appended.load(Ordering::Relaxed);
        let blocks = |appended: u64| if appended == 0 { 0 } else { 1 + appended.div_ceil(BLOCK_BYTES) };
        (blocks(before.saturating_add(bytes)) - blocks(before)).saturating_mul(BLOCK_BYTES)
    }

    /// An append was paid for.
    pub(crate) fn paid_at_end(&self, bytes: u64) {
        self.paid.appended.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Arc<File> {
        Arc::new(tempfile::tempfile().unwrap())
    }

    #[test]
    fn files_are_counted_for_as_long_as_anything_holds_them() {
        let all = Arc::new(OpenFiles::new(3));
        let (mut one, mut other) = (Handles::new(&all), Handles::new(&all));
        let files = [file(), file()];
        for file in &files {
            assert!(one.make_room());
            one.enter(file, None);
        }
        assert!(other.make_room());
        assert!(!one.make_room());
        let stream = files[0].clone();
        drop(files);
        assert!(one.make_room(), "one was closed");
        assert!(one.ground(&stream).is_some());
        assert!(one.ground(&file()).is_none());
        drop((one, other));
        assert_eq!(all.open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_instance_has_so_many_files_and_streams() {
        let all = Arc::new(OpenFiles::new(1000));
        let mut handles = Handles::new(&all);
        let files: Vec<_> = (0..FILES_MAX).map(|_| file()).collect();
        for file in &files {
            assert!(handles.make_room());
            handles.enter(file, None);
        }
        assert!(!handles.make_room());
        let streams = vec![files[0].clone(); HANDLES_MAX - FILES_MAX];
        assert!(!handles.has_room_for_stream());
        drop(streams);
        assert!(handles.has_room_for_stream());
    }

    #[test]
    fn a_block_is_paid_for_once_in_a_row() {
        let ground = Ground::default();
        let pay = |offset, bytes| {
            let cost = ground.cost(offset, bytes);
            ground.paid(offset, bytes);
            cost / BLOCK_BYTES
        };
        assert_eq!([pay(0, 1), pay(1, 1), pay(2, 4094), pay(4096, 1), pay(4097, 8192)], [1, 0, 0, 1, 2]);
        assert_eq!([pay(0, 4096), pay(1 << 40, 1), pay(4095, 2)], [1, 1, 2]);
        let append = |bytes| {
            let cost = ground.cost_at_end(bytes);
            ground.paid_at_end(bytes);
            cost / BLOCK_BYTES
        };
        assert_eq!([append(10), append(10), append(4076), append(1)], [2, 0, 0, 1]);
    }
}

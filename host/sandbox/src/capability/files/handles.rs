//! The files that one instance has open: counted, bounded, and known by the folder that they came from.

use std::fs::File;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::capability::files::measure::BLOCK_BYTES;
use crate::capability::files::quota::QuotaDir;

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
    /// Files that are being opened.
    pending: Arc<AtomicUsize>,
    /// Taken from `all` for those that are known.
    taken: usize,
}

/// Room for one more file, given back on drop.
pub(crate) struct OpenFileShare {
    all: Arc<OpenFiles>,
    pending: Arc<AtomicUsize>,
}

impl Drop for OpenFileShare {
    fn drop(&mut self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
        self.all.give_back(1);
    }
}

/// A file that is, or was, open. It is known by its place in memory, which stays taken as long as this lives.
struct Known {
    file: Weak<File>,
    ground: Backing,
}

/// What a file that is open stands on.
#[derive(Clone, Default)]
pub(crate) struct Backing {
    /// `None` where nothing is written.
    pub(crate) quota_dir: Option<Arc<QuotaDir>>,
    paid: Arc<LastBlock>,
}

/// The last block that was paid for, so that many small writes to one are not many blocks.
#[derive(Default)]
pub(crate) struct LastBlock {
    /// Its number in the file and one more; nothing yet is 0.
    block: AtomicU64,
    /// How much was appended, of which it is not known where it stands.
    appended: AtomicU64,
}

impl Handles {
    pub(crate) fn new(all: &Arc<OpenFiles>) -> Handles {
        Handles { all: all.clone(), known: Vec::new(), pending: Arc::default(), taken: 0 }
    }

    /// Makes room for one more file that is to be opened; `None` when the instance or the host has too many open.
    pub(crate) fn make_room(&mut self) -> Option<OpenFileShare> {
        self.forget_closed();
        let count = self.known.len() + self.pending.load(Ordering::Relaxed);
        if count >= FILES_MAX || !self.has_room_for_stream() || !self.all.take() {
            return None;
        }
        self.pending.fetch_add(1, Ordering::Relaxed);
        Some(OpenFileShare { all: self.all.clone(), pending: self.pending.clone() })
    }

    /// Whether the instance may make a stream, or another descriptor.
    pub(crate) fn has_room_for_stream(&self) -> bool {
        self.known.iter().map(|known| known.file.strong_count()).sum::<usize>() < HANDLES_MAX
    }

    /// A file was opened, for which there was room.
    pub(crate) fn enter(&mut self, room: OpenFileShare, file: &Arc<File>, quota_dir: Option<Arc<QuotaDir>>) {
        let ground = Backing { quota_dir, paid: Arc::default() };
        self.known.push(Known { file: Arc::downgrade(file), ground });
        // What the room gives back.
        self.all.open.fetch_add(1, Ordering::Relaxed);
        self.taken += 1;
        drop(room);
    }

    /// What an open file stands on; nothing where it is not known.
    pub(crate) fn ground(&self, file: &Arc<File>) -> Option<&Backing> {
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

impl Backing {
    /// Pays for one more entry of a folder; `false` when there is no room for it.
    pub(crate) async fn takes_entry(&self) -> bool {
        match &self.quota_dir {
            Some(quota_dir) => quota_dir.take(BLOCK_BYTES).await,
            None => true,
        }
    }

    /// Pays for a write of `bytes` at `offset`, or at the end; `false` when there is no room for it.
    pub(crate) async fn takes_write(&self, offset: Option<u64>, bytes: usize) -> bool {
        let Some(quota_dir) = &self.quota_dir else {
            return true;
        };
        let takes = !self.is_too_far(offset, bytes) && quota_dir.take(self.cost(offset, bytes)).await;
        if takes {
            self.paid(offset, bytes);
        }
        takes
    }

    /// Pays for a file that is to be `size` long, and is `has` long now; `false` when there is no room for it.
    pub(crate) async fn takes_size(&self, has: u64, size: u64) -> bool {
        let Some(quota_dir) = &self.quota_dir else {
            return true;
        };
        let more = size.saturating_sub(has).div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES);
        !quota_dir.never_holds(size) && quota_dir.take(more).await
    }

    /// Something was removed, or is about to be.
    pub(crate) fn has_changed(&self) {
        if let Some(quota_dir) = &self.quota_dir {
            quota_dir.has_changed();
        }
    }

    /// Whether a file that is moved or linked from here to there stays in the folder that it was paid for in.
    pub(crate) fn is_one_with(&self, other: &Backing) -> bool {
        match (&self.quota_dir, &other.quota_dir) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            // Nothing is written then.
            _ => true,
        }
    }

    /// Whether a write would go beyond all that the folder may ever hold.
    pub(crate) fn is_too_far(&self, offset: Option<u64>, bytes: usize) -> bool {
        let end = offset.map(|offset| offset.saturating_add(bytes as u64));
        self.quota_dir.as_ref().zip(end).is_some_and(|(quota_dir, end)| quota_dir.never_holds(end))
    }

    /// What a write may add to what the disk holds. Of what is appended it is not known where it begins: at first that is a
    /// block more than it fills.
    pub(crate) fn cost(&self, offset: Option<u64>, bytes: usize) -> u64 {
        let bytes = bytes as u64;
        if bytes == 0 {
            return 0;
        }
        let blocks = match offset {
            Some(offset) => {
                let (first, end) = (offset / BLOCK_BYTES, offset.saturating_add(bytes).div_ceil(BLOCK_BYTES));
                end - first - u64::from(self.paid.block.load(Ordering::Relaxed) == first + 1)
            }
            None => {
                let filled = |appended: u64| if appended == 0 { 0 } else { 1 + appended.div_ceil(BLOCK_BYTES) };
                let before = self.paid.appended.load(Ordering::Relaxed);
                filled(before.saturating_add(bytes)) - filled(before)
            }
        };
        blocks.saturating_mul(BLOCK_BYTES)
    }

    /// A write was paid for.
    pub(crate) fn paid(&self, offset: Option<u64>, bytes: usize) {
        let bytes = bytes as u64;
        match offset {
            Some(offset) => {
                let last = offset.saturating_add(bytes.saturating_sub(1)) / BLOCK_BYTES;
                self.paid.block.store(last + 1, Ordering::Relaxed);
            }
            None => _ = self.paid.appended.fetch_add(bytes, Ordering::Relaxed),
        }
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
            let room = one.make_room().unwrap();
            one.enter(room, file, None);
        }
        let room = other.make_room().unwrap();
        assert!(one.make_room().is_none());
        drop(room);
        let room = one.make_room().unwrap();
        assert!(one.make_room().is_none());
        let stream = files[0].clone();
        drop(files);
        assert!(one.make_room().is_some(), "one was closed");
        drop(room);
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
            let room = handles.make_room().unwrap();
            handles.enter(room, file, None);
        }
        assert!(handles.make_room().is_none());
        let streams = vec![files[0].clone(); HANDLES_MAX - FILES_MAX];
        assert!(!handles.has_room_for_stream());
        drop(streams);
        assert!(handles.has_room_for_stream());
    }

    #[test]
    fn a_block_is_paid_for_once_in_a_row() {
        let ground = Backing::default();
        let pay = |offset, bytes| {
            let cost = ground.cost(Some(offset), bytes);
            ground.paid(Some(offset), bytes);
            cost / BLOCK_BYTES
        };
        assert_eq!([pay(0, 1), pay(1, 1), pay(2, 4094), pay(4096, 1), pay(4097, 8192)], [1, 0, 0, 1, 2]);
        assert_eq!([pay(0, 4096), pay(1 << 40, 1), pay(4095, 2)], [1, 1, 2]);
        let append = |bytes| {
            let cost = ground.cost(None, bytes);
            ground.paid(None, bytes);
            cost / BLOCK_BYTES
        };
        assert_eq!([append(10), append(10), append(4076), append(1)], [2, 0, 0, 1]);
    }
}

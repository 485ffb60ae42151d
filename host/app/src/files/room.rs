//! How much of files may be on its way at once, over all apps: memory, and descriptors.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// What is read at once.
pub const PIECE_BYTES: u64 = 64 << 10;

/// What is counted in.
const UNIT_BYTES: u64 = 1 << 10;

/// Room for a piece of each of so many files. One room for the whole host: a visitor who asks and does not read is not to
/// take what the others need.
#[derive(Clone)]
pub struct Room(Arc<Semaphore>);

/// What one file takes, given back when its body and its last piece are gone.
#[derive(Clone)]
pub struct Held(#[expect(dead_code, reason = "dropping it is what it is for")] Arc<OwnedSemaphorePermit>);

impl Room {
    /// For a piece of each of `files_max` files. Who has more than a piece to send keeps the file open, so that there are no
    /// more descriptors than that.
    pub fn new(files_max: usize) -> Room {
        let units = usize::try_from(PIECE_BYTES / UNIT_BYTES).unwrap_or(usize::MAX);
        Room(Arc::new(Semaphore::new(files_max.saturating_mul(units).min(Semaphore::MAX_PERMITS))))
    }

    /// Room for a file of which `bytes` are to be sent, or `None` where there is none left: nobody waits for it.
    pub fn take(&self, bytes: u64) -> Option<Held> {
        let units = u32::try_from(bytes.min(PIECE_BYTES).div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        self.0.clone().try_acquire_many_owned(units).ok().map(|permit| Held(Arc::new(permit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_what_it_has_and_never_more_than_a_piece() {
        let check = |bytes: u64, expected: usize| {
            let room = Room::new(1);
            let held: Vec<Held> = std::iter::from_fn(|| room.take(bytes)).take(100).collect();
            assert_eq!(held.len(), expected, "{bytes}");
            drop(held);
            assert!(room.take(PIECE_BYTES).is_some(), "{bytes}: not all of it came back");
        };
        check(1, 64);
        check(1024, 64);
        check(1025, 32);
        check(PIECE_BYTES - 1, 1);
        check(PIECE_BYTES, 1);
        check(u64::MAX, 1);
    }

    #[test]
    fn what_is_shared_is_given_back_with_the_last_share() {
        let room = Room::new(1);
        let held = room.take(PIECE_BYTES).unwrap();
        let share = held.clone();
        drop(held);
        assert!(room.take(1).is_none());
        drop(share);
        assert!(room.take(1).is_some());
    }
}

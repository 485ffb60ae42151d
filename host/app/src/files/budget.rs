//! How much of files may be on its way at once, over all apps: memory, and descriptors.

use std::sync::Arc;
use std::time::Duration;

use crate::files::error::FileError;
use crate::fill::Fill;
use crate::places::Place;
use crate::places::Places;
use crate::places::pace::Pace;

/// What is read at once.
pub const PIECE_BYTES: u64 = 64 << 10;

/// How long a file waits for room, and how many do.
const WAIT: Duration = Duration::from_secs(1);
const WAITING_MAX: usize = 1024;

/// What is counted in.
const UNIT_BYTES: u64 = 1 << 10;

/// Room for a piece of each of so many files. One room for the whole host: a visitor who asks and does not read is not to
/// take what the others need.
#[derive(Clone)]
pub struct BufferBudget(Arc<Places>);

/// The room for one request's file: taken at once, or waited for before.
pub struct FileBuffers {
    budget: BufferBudget,
    pace: Arc<Pace>,
    reserved: Option<BufferShare>,
}

impl FileBuffers {
    /// Of `budget`, for a request at `pace`; with what was waited for, if something was.
    pub fn new(budget: BufferBudget, pace: Arc<Pace>, reserved: Option<BufferShare>) -> FileBuffers {
        FileBuffers { budget, pace, reserved }
    }

    /// The request's pace.
    pub fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Room for a file of which `bytes` are to be sent.
    pub fn take(&mut self, bytes: u64) -> Result<BufferShare, FileError> {
        let reserved = self.reserved.take();
        reserved.or_else(|| self.budget.try_take(bytes, &self.pace)).ok_or(FileError::Full(bytes))
    }
}

/// What one file takes, given back when its body and its last piece are gone.
#[derive(Clone)]
pub struct BufferShare(#[expect(dead_code, reason = "dropping it is what it is for")] Arc<Place>);

impl BufferBudget {
    /// For a piece of each of `files_max` files. Who has more than a piece to send keeps the file open, so that there are no
    /// more descriptors than that.
    pub fn new(files_max: usize) -> BufferBudget {
        let units = usize::try_from(PIECE_BYTES / UNIT_BYTES).unwrap_or(usize::MAX);
        BufferBudget(Places::new(files_max.saturating_mul(units), WAITING_MAX))
    }

    /// How full it is, in bytes.
    pub fn fill(&self) -> Fill {
        let Fill { used, max, waiting, ended } = self.0.fill();
        Fill { used: used * UNIT_BYTES, max: max * UNIT_BYTES, waiting, ended }
    }

    /// Room for a file of which `bytes` are to be sent, unless there is none left at this moment.
    pub fn try_take(&self, bytes: u64, pace: &Arc<Pace>) -> Option<BufferShare> {
        self.0.try_take(pace, units(bytes)).map(|place| BufferShare(Arc::new(place)))
    }

    /// Waits for room, for a while: whoever does not read gives way.
    pub async fn take(&self, bytes: u64, pace: &Arc<Pace>) -> Result<BufferShare, FileError> {
        let full = || FileError::Full(bytes);
        let place = tokio::time::timeout(WAIT, self.0.take(pace, units(bytes))).await.map_err(|_| full())?;
        place.map(|place| BufferShare(Arc::new(place))).map_err(|_| full())
    }
}

fn units(bytes: u64) -> usize {
    usize::try_from(bytes.min(PIECE_BYTES).div_ceil(UNIT_BYTES)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::pace::Visitor;

    fn pace() -> Arc<Pace> {
        Arc::new(Pace::new(Visitor::of(None)))
    }

    #[test]
    fn a_file_takes_what_it_has_and_never_more_than_a_piece() {
        let check = |bytes: u64, expected: usize| {
            let room = BufferBudget::new(1);
            let held: Vec<BufferShare> = std::iter::from_fn(|| room.try_take(bytes, &pace())).take(100).collect();
            assert_eq!(held.len(), expected, "{bytes}");
            drop(held);
            assert!(room.try_take(PIECE_BYTES, &pace()).is_some(), "{bytes}: not all of it came back");
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
        let room = BufferBudget::new(1);
        let held = room.try_take(PIECE_BYTES, &pace()).unwrap();
        let share = held.clone();
        drop(held);
        assert!(room.try_take(1, &pace()).is_none());
        drop(share);
        assert!(room.try_take(1, &pace()).is_some());
    }
}

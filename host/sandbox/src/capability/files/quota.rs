//! A folder of the host in which guests write: how much room is left in it, and whose turn it is.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::capability::files::measure::measure;

/// A folder is not measured more often than this, however much is written.
const MEASURE_PAUSE: Duration = Duration::from_secs(1);

/// And between two measurements lies so many times what one takes: a core has better things to do.
const MEASURE_SHARE: u32 = 10;

/// A folder in which guests write.
///
/// Whatever a guest writes is charged before it is written, rather too much than too little. When all is spent, the folder
/// is measured, which gives back what was overwritten or removed meanwhile.
pub(crate) struct QuotaDir {
    folder: PathBuf,
    /// Held for a few instructions, never across an await.
    ledger: Mutex<Ledger>,
    /// Held by whoever measures: the others wait for what comes out.
    measuring: tokio::sync::Mutex<()>,
    /// One permit: whoever works on the folder when only one may.
    turn: Arc<Semaphore>,
}

struct Ledger {
    bytes_max: u64,
    /// What may be written until the folder must be measured again.
    left: u64,
    /// What was charged since the last measurement began.
    charged: u64,
    /// When the last measurement ended, and how long it took.
    measured: Option<(Instant, Duration)>,
    /// Whether there may be more room than was found.
    is_stale: bool,
    /// Whether something has changed since the last measurement began.
    has_changed: bool,
}

impl QuotaDir {
    pub(crate) fn new(folder: &Path, bytes_max: u64) -> QuotaDir {
        let ledger = Ledger { bytes_max, left: 0, charged: 0, measured: None, is_stale: true, has_changed: false };
        QuotaDir {
            folder: folder.to_owned(),
            ledger: Mutex::new(ledger),
            measuring: tokio::sync::Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// The newest revision says how much the folder may hold.
    pub(crate) fn set_bytes_max(&self, bytes_max: u64) {
        let mut ledger = self.lock();
        if ledger.bytes_max != bytes_max {
            *ledger = Ledger { bytes_max, left: 0, is_stale: true, has_changed: true, ..*ledger };
        }
    }

    /// The folder may never hold so much.
    pub(crate) fn never_holds(&self, bytes: u64) -> bool {
        bytes > self.lock().bytes_max
    }

    /// The permit of whoever works on the folder alone.
    pub(crate) fn turn(&self) -> &Arc<Semaphore> {
        &self.turn
    }

    /// Takes room for `bytes` more; `false`, and nothing taken, when there is not so much. Measures when it must.
    pub(crate) async fn take(&self, bytes: u64) -> bool {
        while !self.charge(bytes) {
            if self.is_known_full() {
                return false;
            }
            self.measure().await;
        }
        true
    }

    /// The same without measuring.
    pub(crate) fn charge(&self, bytes: u64) -> bool {
        let mut ledger = self.lock();
        let fits = bytes <= ledger.left;
        if fits {
            ledger.left -= bytes;
            ledger.charged = ledger.charged.saturating_add(bytes);
            // What was charged is perhaps more than what is written.
            if bytes > 0 {
                (ledger.is_stale, ledger.has_changed) = (true, true);
            }
        }
        fits
    }

    /// What may be written without measuring, in bytes.
    pub(crate) fn left(&self) -> u64 {
        self.lock().left
    }

    /// Whether measuring would find nothing more. Operators remove files too, so that nobody knows it for long.
    pub(crate) fn is_known_full(&self) -> bool {
        let ledger = self.lock();
        !ledger.is_stale && ledger.measured.is_some_and(|(ended, _)| ended.elapsed() < MEASURE_PAUSE)
    }

    /// Something was removed, or is about to be.
    pub(crate) fn has_changed(&self) {
        let mut ledger = self.lock();
        (ledger.is_stale, ledger.has_changed) = (true, true);
    }

    /// Looks how much there is, not more often than is good for the others.
    pub(crate) async fn measure(&self) {
        let before = self.measured();
        let _measuring = self.measuring.lock().await;
        let last = self.measured();
        if last != before {
            // Somebody else has just done it.
            return;
        }
        if let Some((ended, took)) = last {
            tokio::time::sleep_until(ended + MEASURE_PAUSE.max(took * MEASURE_SHARE)).await;
        }
        {
            let mut ledger = self.lock();
            (ledger.charged, ledger.has_changed) = (0, false);
        }
        let (begun, folder) = (Instant::now(), self.folder.clone());
        let used = tokio::task::spawn_blocking(move || measure(&folder)).await.ok().flatten();
        let mut ledger = self.lock();
        let used = used.unwrap_or(u64::MAX).saturating_add(ledger.charged);
        ledger.left = ledger.bytes_max.saturating_sub(used);
        ledger.measured = Some((Instant::now(), begun.elapsed()));
        ledger.is_stale = ledger.has_changed;
    }

    fn measured(&self) -> Option<(Instant, Duration)> {
        self.lock().measured
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::files::measure::BLOCK_BYTES;

    #[tokio::test(start_paused = true)]
    async fn room_is_what_the_folder_does_not_hold_and_comes_back_when_something_goes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), vec![0; 8192]).unwrap();
        let quota_dir = QuotaDir::new(folder.path(), 4 * BLOCK_BYTES);
        assert!(!quota_dir.take(3 * BLOCK_BYTES).await);
        assert!(quota_dir.take(2 * BLOCK_BYTES).await);
        // Nothing of it was written: what was charged too much is found again.
        assert!(quota_dir.take(2 * BLOCK_BYTES).await);
        std::fs::write(folder.path().join("b"), vec![0; 8192]).unwrap();
        assert!(!quota_dir.take(1).await);
        std::fs::remove_file(folder.path().join("a")).unwrap();
        assert!(!quota_dir.take(1).await, "nobody said that something had changed");
        quota_dir.has_changed();
        assert!(quota_dir.take(2 * BLOCK_BYTES).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_folder_is_measured_once_a_second_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let quota_dir = QuotaDir::new(folder.path(), BLOCK_BYTES);
        let begun = Instant::now();
        for _ in 0..4 {
            assert!(quota_dir.take(BLOCK_BYTES).await);
        }
        assert!(begun.elapsed() >= 3 * MEASURE_PAUSE);
    }
}

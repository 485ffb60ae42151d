//! What is written to the state directory after something changed. A full disk is an alarm, not an end.
//!
//! The status comes first, for people wait for it; what cannot be shown is remembered all the same.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use guesthouse_types::escape::json;
use guesthouse_types::name::Revision;
use guesthouse_types::private;
use guesthouse_types::private::Durable;

use crate::state_dir::journal::Journal;
use crate::state_dir::lock::Lock;
use crate::state_dir::lock::LockCheck;
use crate::state_dir::store::Retained;
use crate::state_dir::store::Store;
use crate::state_dir::store::Synced;
use crate::state_dir::unwritable::is_full;
use crate::state_dir::unwritable::unwritable;
use crate::status::Status;

/// Lets one write at a time through, and none that is older than the last one: a write goes on when its job is dropped.
#[derive(Default)]
pub struct StateWriter {
    turns: AtomicU64,
    // Held for a whole write, on threads that may block; no await is inside.
    last: Mutex<LastWrite>,
}

/// What the last write was and did.
#[derive(Default)]
struct LastWrite {
    turn: u64,
    synced: Synced,
}

impl StateWriter {
    /// A number for the next write.
    pub fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Everything that one write needs.
pub struct WriteRequest {
    /// Who lets it through.
    pub writer: Arc<StateWriter>,
    /// Its number.
    pub turn: u64,
    /// The state directory.
    pub state: PathBuf,
    /// The right to write there.
    pub lock: Arc<Lock>,
    /// For `status.json`.
    pub status: Arc<Status>,
    /// For `state.json` and the store, when they are out of date.
    pub records: Option<Records>,
    /// The store.
    pub store: Store,
}

/// What is remembered across restarts.
pub struct Records {
    /// For `state.json`.
    pub journal: Journal,
    /// What serves: it must be on the disk before the journal says that it does.
    pub live: Vec<Revision>,
    /// What must stay in the store.
    pub keep: Retained,
    /// How large the rest may be.
    pub bytes_max: u64,
}

impl WriteRequest {
    /// Writes it all. Blocks. The result is what is wrong with the state directory, for the operator.
    pub fn write(self) -> Option<String> {
        let mut last = self.writer.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.turn > self.turn {
            return None;
        }
        last.turn = self.turn;
        let kept = match self.lock.keep() {
            Ok(kept) => kept,
            Err(why) => return Some(format!("{why}; serving goes on")),
        };
        match (self.try_write(&mut last.synced), kept) {
            (Err(error), _) => Some(format!("{}; serving goes on", unwritable(&self.state, &error))),
            (Ok(()), LockCheck::Same) => None,
            (Ok(()), LockCheck::Anew) => Some(format!(
                "the state directory `{}` was removed while the host runs: it is made anew, and what is live goes on \
                 serving",
                self.state.display()
            )),
        }
    }

    fn try_write(&self, synced: &mut Synced) -> io::Result<()> {
        let shown = write_status(&self.status, &self.state);
        let Some(records) = &self.records else { return shown };
        match self.remember(records, synced) {
            // What is spare makes room for what is not.
            Err(error) if is_full(&error) => {
                self.store.collect(&records.keep, 0)?;
                self.remember(records, synced)?;
            }
            remembered => remembered?,
        }
        self.store.collect(&records.keep, records.bytes_max)?;
        shown.or_else(|_| write_status(&self.status, &self.state))
    }

    fn remember(&self, records: &Records, synced: &mut Synced) -> io::Result<()> {
        self.store.sync(&records.live, synced)?;
        records.journal.write(&self.state)
    }
}

/// Writes `status.json`. It is for people and scripts; nothing is read back from it.
fn write_status(status: &Status, state: &Path) -> io::Result<()> {
    let text = serde_json::to_string_pretty(status)?;
    private::write(&state.join("status.json"), json(&text).as_bytes(), Durable::No)
}

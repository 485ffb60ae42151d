//! The room for what guests have written and nobody has read, for the whole host: memory, and files beyond.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use guesthouse_types::name::AppName;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::blocking::blocking;
use crate::budget::Budget;
use crate::budget::Charge;
use crate::fill::Fill;
use crate::places::pace::Visitor;

/// What all responses together may have in memory, in bytes.
pub const RESPONSES_BYTES_MAX: usize = 64 << 20;

/// What is counted in.
const UNIT_BYTES: usize = 1 << 10;

/// Memory for all, and files for those whose visitors are slow, if there is a folder for them.
#[derive(Clone)]
pub struct ResponseBuffers {
    memory: Arc<Semaphore>,
    files: Option<Files>,
}

#[derive(Clone)]
struct Files {
    folder: Arc<Path>,
    budget: Arc<Budget>,
}

/// A file without a name, and what was paid for it.
pub struct Spill {
    file: Arc<File>,
    charge: Charge,
    paid: u64,
}

impl Default for ResponseBuffers {
    /// Memory alone.
    fn default() -> ResponseBuffers {
        ResponseBuffers { memory: Arc::new(Semaphore::new(RESPONSES_BYTES_MAX / UNIT_BYTES)), files: None }
    }
}

impl ResponseBuffers {
    /// With files in `folder`, of so many bytes in all.
    pub fn with_files(folder: PathBuf, bytes_max: u64) -> ResponseBuffers {
        let files = Files { folder: folder.into(), budget: Budget::new(bytes_max) };
        ResponseBuffers { files: Some(files), ..ResponseBuffers::default() }
    }

    /// How full memory and files are, in bytes.
    pub fn fills(&self) -> [Fill; 2] {
        let used = RESPONSES_BYTES_MAX - self.memory.available_permits() * UNIT_BYTES;
        let memory = Fill { used: used as u64, max: RESPONSES_BYTES_MAX as u64, ..Fill::default() };
        [memory, self.files.as_ref().map(|files| files.budget.fill()).unwrap_or_default()]
    }

    /// Memory for so many bytes, unless there is none left.
    pub fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).ok()?;
        self.memory.clone().try_acquire_many_owned(units).ok()
    }

    /// A file for a response of `app` to `visitor`. Nothing where there is no folder for it, or it cannot be made: then a
    /// guest waits for its visitor.
    pub async fn spill(&self, app: &AppName, visitor: Visitor) -> Option<Spill> {
        let Files { folder, budget } = self.files.clone()?;
        let charge = budget.charge(app, visitor);
        let made = blocking(move || tempfile::tempfile_in(&folder)).await;
        Some(Spill { file: Arc::new(made.ok()?.ok()?), charge, paid: 0 })
    }
}

impl Spill {
    /// The file.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Pays for a file of so many bytes, before they are written. Says whether there was room.
    pub fn grow_to(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.paid);
        let is_paid = self.charge.pay(more).is_ok();
        if is_paid {
            self.paid += more;
        }
        is_paid
    }
}

//! What happens to the deploy path, and what it does about it: the words between its decisions and its hands.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use guesthouse_app::routes::Origins;
use guesthouse_component::inspect::Inspection;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;

use crate::load::read::LoadRequest;
use crate::load::read::LoadResult;
use crate::manifest_guard::Guard;
use crate::reason::Failure;
use crate::reason::Reason;
use crate::reconcile::tracked_app::Ready;
use crate::watch::scan::Scan;

/// The times and bounds by which it is decided.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a written file must have stood still.
    pub settle: Duration,
    /// How long a file must have been gone before its app is undeployed.
    pub removal_grace: Duration,
    /// How often a file is read again although nothing seems to have changed.
    pub check: Duration,
    /// The largest component that is read, in bytes.
    pub component_bytes_max: u64,
    /// Which hosts are ours.
    pub origins: Origins,
}

/// What happens.
#[derive(Debug)]
pub enum Event<G> {
    /// The folder was looked through.
    Scanned {
        /// What is in it.
        scan: Scan,
        /// Paths that events said were moved into place.
        moved: HashSet<PathBuf>,
    },
    /// The folder could not be looked through: why.
    ScanFailed(String),
    /// A file was read.
    Read(AppName, u64, LoadResult),
    /// A revision is ready, or will not be.
    Prepared(AppName, u64, PrepareResult<G>),
    /// Something else may be allowed or possible now: refused revisions are tried again.
    Reconsider {
        /// Whether what serves has to be made anew as well.
        policy_changed: bool,
    },
}

impl<G> Event<G> {
    /// Whether something could not be done that may be possible later.
    pub fn is_trouble(&self) -> bool {
        match self {
            Event::Read(_, _, found) => found.loaded.is_trouble(),
            Event::Prepared(_, _, made) => matches!(made, Err(Failure::Retry(_))),
            _ => false,
        }
    }
}

/// How making a revision ready ended.
pub type PrepareResult<G> = Result<Ready<G>, Failure>;

/// What is to be done.
#[derive(Debug)]
pub enum Action<G> {
    /// Read these files.
    Read(AppName, u64, Box<LoadRequest>),
    /// Make this revision ready.
    Prepare(AppName, u64, Revision, Option<Box<Inspection>>),
    /// Stop making it ready.
    Cancel(u64),
    /// Say that it serves, once it does.
    Announce(Published),
    /// Let it finish what it has begun.
    Retire(Ready<G>),
    /// Nothing is left of this app.
    Forget(AppName),
}

/// A revision serves.
#[derive(Debug)]
pub struct Published {
    /// The app.
    pub name: AppName,
    /// What serves.
    pub new: Revision,
    /// What served before.
    pub old: Option<Revision>,
    /// Since its file was seen to have changed.
    pub after: Option<Duration>,
}

/// The last good revision and what was refused, from an earlier run.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    /// What served last.
    pub live: Option<Revision>,
    /// What served before that.
    pub standby: Option<Revision>,
    /// What was refused, if the same host would refuse it again.
    pub refused: Option<(Revision, Reason)>,
    /// What its last manifest kept back.
    pub guard: Guard,
}

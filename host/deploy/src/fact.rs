//! What happens to the drop street, and what it does about it: the words between its decisions and its hands.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use guesthouse_app::routes::Origins;
use guesthouse_component::inspect::Inspection;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;

use crate::guard::Guard;
use crate::life::Ready;
use crate::load::Found;
use crate::load::Loaded;
use crate::load::Order;
use crate::scan::Scan;

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
pub enum Fact<G> {
    /// The folder was looked through.
    Scanned {
        /// What is in it.
        scan: Scan,
        /// Paths that events said were moved into place.
        moved: HashSet<PathBuf>,
    },
    /// The folder could not be looked through: why.
    Unseen(String),
    /// A file was read.
    Read(AppName, u64, Found),
    /// A revision is ready, or will not be.
    Made(AppName, u64, Made<G>),
    /// Something else may be allowed or possible now: refused revisions are tried again.
    Reconsider {
        /// Whether what serves has to be made anew as well.
        policy_changed: bool,
    },
}

impl<G> Fact<G> {
    /// Whether something could not be done that may be possible later.
    pub fn is_trouble(&self) -> bool {
        match self {
            Fact::Read(_, _, found) => matches!(found.loaded, Loaded::Trouble(_)),
            Fact::Made(_, _, made) => matches!(made, Made::Trouble(_)),
            _ => false,
        }
    }
}

/// How making a revision ready ended.
#[derive(Debug)]
pub enum Made<G> {
    /// It can serve.
    Ready(Ready<G>),
    /// It cannot: remembered.
    Refused(String),
    /// It could not be tried: tried again later.
    Trouble(String),
}

/// What is to be done.
#[derive(Debug)]
pub enum Deed<G> {
    /// Read these files.
    Read(AppName, u64, Box<Order>),
    /// Make this revision ready.
    Make(AppName, u64, Revision, Option<Box<Inspection>>),
    /// Stop making it ready.
    Cancel(u64),
    /// Say that it serves, once it does.
    Tell(Published),
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
    pub refused: Option<(Revision, String)>,
    /// What its last manifest kept back.
    pub guard: Guard,
}

//! Folders of the host that a guest sees, and what it may do in them.

use std::path::PathBuf;

/// Limits on the files of all guests together.
#[derive(Clone, Debug)]
pub struct FileLimits {
    /// Files that all instances together may have open: each is a descriptor of this process.
    pub open_files_max: usize,
}

impl Default for FileLimits {
    fn default() -> FileLimits {
        // Lowered by the host to a share of what the system lets this process have.
        FileLimits { open_files_max: 16_384 }
    }
}

/// The folders of one guest. By default it sees none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folders {
    /// Each place in the guest that is a folder of the host's.
    pub seen: Vec<Folder>,
    /// Where folders are made that live as long as an instance. Must be there before the first of them.
    pub scratch: PathBuf,
    /// Whether one request at a time may work on what is kept, in all revisions together.
    pub one_at_a_time: bool,
}

/// One place in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where the guest sees it: an absolute path.
    pub guest: String,
    /// What it sees there.
    pub source: Source,
}

/// What a guest sees in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An empty folder of each instance's own, which goes with it.
    Scratch {
        /// What all instances of the guest together may have in theirs, in bytes.
        bytes_max: u64,
    },
    /// A folder that stays, and that every instance sees. Must be there.
    Kept {
        /// Where it is.
        host: PathBuf,
        /// What may be in it, in bytes.
        bytes_max: u64,
    },
    /// A folder that is only looked at.
    ReadOnly {
        /// Where it is.
        host: PathBuf,
    },
}

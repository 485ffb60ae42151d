//! How a file can fail to be sent.

use std::io;
use std::time::Duration;

/// A file that is there, and could not be sent, or not whole.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It has become shorter since its length was told.
    #[error("it became shorter while it was sent, {0} bytes before its end (replace files by renaming, not in place)")]
    Shrunk(u64),
    /// The file system said no.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file system said nothing.
    #[error("it could not be read within {0:?}: the file system is slow, or others wait for it as well")]
    Slow(Duration),
    /// Nobody's fault: too much of other files is on its way for so many bytes more.
    #[error("no room for another file: as many as the host sends at once are on their way")]
    Full(u64),
    /// Its visitor was slow, and others waited for its room.
    #[error("its visitor was slow to read, and others waited for its room")]
    GaveWay,
    /// A bug of ours.
    #[error("the host failed while it read it: this is a bug of guesthouse")]
    Bug,
}

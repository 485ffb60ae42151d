//! What is in a folder, by name and kind.

use std::ffi::CStr;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// What the host keeps for one entry of a listing, beside its name.
const ENTRY_BYTES: u64 = 96;

/// What a listing of `folder` takes in the host's memory, in bytes. Blocks.
pub(crate) fn weigh(folder: impl AsFd) -> io::Result<u64> {
    let mut bytes: u64 = 0;
    for entry in open(folder)? {
        bytes = bytes.saturating_add(ENTRY_BYTES + entry?.file_name().count_bytes() as u64);
    }
    Ok(bytes)
}

/// Everything in `folder`, without following links. What is gone by then is left out. Blocks.
pub(crate) fn entries(folder: impl AsFd) -> io::Result<Vec<(Box<CStr>, FileType)>> {
    let mut found = Vec::new();
    for entry in open(&folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            },
            known => known,
        };
        found.push((name.into(), kind));
    }
    Ok(found)
}

/// Opened anew: a descriptor may be good for paths alone.
fn open(folder: impl AsFd) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(Dir::new(rustix::fs::openat(folder, ".", flags, Mode::empty())?)?)
}

//! Machine code on the disk: a file with its checksum beside it, made together and believed together.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use guesthouse_types::private;
use guesthouse_types::private::Durable;
use rustix::io::Errno;
use sha2::Digest as _;
use sha2::Sha256;

/// What the name of a checksum ends in, after that of its file.
pub const SUM: &str = ".sum";

/// Longer than any checksum.
const SUM_BYTES_MAX: u64 = 256;

/// Why a file may not be used, or else its checksum. One that may is marked as used.
pub fn check(path: &Path) -> io::Result<String> {
    let mut file = private::open(path)?;
    let mut sum = String::new();
    let read = private::open(&sum_path(path)).and_then(|file| file.take(SUM_BYTES_MAX).read_to_string(&mut sum));
    match read {
        Ok(_) if sum == checksum(&mut file)? => {
            touch(&file);
            Ok(sum)
        }
        Ok(_) => Err(io::Error::other("its bytes do not match its checksum")),
        Err(error) if is_shortage(&error) => Err(error),
        Err(error) => Err(io::Error::other(format!("its checksum cannot be used ({error})"))),
    }
}

/// Puts `draft`, which is whole, at `path`. Returns its checksum.
pub fn adopt(draft: &Path, path: &Path) -> io::Result<String> {
    let sum = checksum(&mut private::open(draft)?)?;
    replace(&sum_path(path), sum.as_bytes())?;
    fs::rename(draft, path)?;
    Ok(sum)
}

/// Forgets what cannot be used. A mapping of it stays valid.
pub fn clear(path: &Path) -> io::Result<()> {
    private::clear(path).and_then(|()| private::clear(&sum_path(path)))
}

/// Marks a file as used now. Failing only makes it look older than it is.
pub fn touch(file: &File) {
    let _ = file.set_modified(SystemTime::now());
}

/// Writes a file in place of whatever is there, and its folder if somebody removed it while we run.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = private::write(path, bytes, Durable::No);
    match (written.as_ref().map_err(io::Error::kind), path.parent()) {
        (Err(io::ErrorKind::NotFound), Some(folder)) => private::folder(folder)?,
        (Err(io::ErrorKind::IsADirectory), _) => private::clear(path)?,
        _ => return written,
    }
    private::write(path, bytes, Durable::No)
}

/// Whether an error is about what this process may have at once, and not about a file.
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

/// Where the checksum of a file is.
pub fn sum_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SUM);
    PathBuf::from(name)
}

fn checksum(file: &mut File) -> io::Result<String> {
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => hash.update(&piece[..length]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

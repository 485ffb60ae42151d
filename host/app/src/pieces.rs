//! Pieces of files: bodies are read one at a time.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;

/// The first `bytes_max` of what lies in `range`, or all of it where that is less. Blocks.
pub fn read(file: &File, range: &Range<u64>, bytes_max: u64) -> io::Result<Bytes> {
    let length = (range.end - range.start).min(bytes_max);
    let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut piece, range.start)?;
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_piece_ends_with_its_range() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        assert_eq!(read(&file, &(2..9), 4).unwrap(), "2345");
        assert_eq!(read(&file, &(7..9), 4).unwrap(), "78");
        assert!(read(&file, &(7..12), 8).is_err(), "it is shorter than that");
    }
}

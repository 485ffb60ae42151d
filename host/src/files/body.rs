//! A file on its way to a visitor: one piece in memory at a time, and never less than was promised without saying so.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

use crate::files::error::FileError;
use crate::files::turns::Turns;

/// What is read at once.
const PIECE_BYTES: u64 = 64 << 10;

/// Some bytes of a file. An error means that the connection must be cut: the head has promised more.
pub struct FileBody {
    /// `None` for no bytes at all.
    source: Option<Source>,
    /// What is still to be handed over.
    left: Range<u64>,
    /// The first piece, read when the file was opened.
    first: Option<Bytes>,
    reading: Option<Reading>,
}

#[derive(Clone)]
struct Source {
    file: Arc<File>,
    turns: Turns,
}

type Reading = Pin<Box<dyn Future<Output = Result<Bytes, FileError>> + Send>>;

impl FileBody {
    /// Nothing.
    pub fn empty() -> FileBody {
        FileBody { source: None, left: 0..0, first: None, reading: None }
    }

    /// These bytes of `file`, the first piece of which is read here and now. Blocks.
    pub fn begin(file: File, bytes: Range<u64>, turns: Turns) -> Result<FileBody, FileError> {
        let first = if bytes.is_empty() { None } else { Some(read(&file, &bytes)?) };
        Ok(FileBody { first, ..FileBody::unread(file, bytes, turns) })
    }

    /// These bytes of `file`, none of which has been read.
    pub fn unread(file: File, bytes: Range<u64>, turns: Turns) -> FileBody {
        FileBody { source: Some(Source { file: Arc::new(file), turns }), left: bytes, first: None, reading: None }
    }

    /// Whether all of it is in memory.
    pub fn is_at_hand(&self) -> bool {
        self.first.as_ref().map_or(0, |first| first.len() as u64) == self.length()
    }

    fn length(&self) -> u64 {
        self.left.end - self.left.start
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, FileError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let (false, Some(source)) = (self.left.is_empty(), &self.source) else { return Poll::Ready(None) };
        let reading = self.reading.get_or_insert_with(|| {
            let (Source { file, turns }, left) = (source.clone(), self.left.clone());
            Box::pin(async move { turns.take(move || read(&file, &left)).await })
        });
        let read = ready!(reading.as_mut().poll(context));
        self.reading = None;
        Poll::Ready(Some(read))
    }
}

/// The first piece of `bytes`, whole.
fn read(file: &File, bytes: &Range<u64>) -> Result<Bytes, FileError> {
    let length = (bytes.end - bytes.start).min(PIECE_BYTES);
    let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
    let mut filled = 0;
    while filled < piece.len() {
        match file.read_at(&mut piece[filled..], bytes.start + filled as u64) {
            Ok(0) => return Err(FileError::Shrunk(bytes.end - bytes.start - filled as u64)),
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Bytes::from(piece))
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = FileError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FileError>>> {
        let polled = ready!(self.poll_bytes(context));
        Poll::Ready(polled.map(|read| match read {
            Ok(bytes) => {
                self.left.start += bytes.len() as u64;
                Ok(Frame::data(bytes))
            }
            Err(error) => {
                // Nothing comes after an error.
                self.source = None;
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use http_body_util::BodyExt as _;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[tokio::test]
    async fn bytes_come_in_pieces() {
        let content: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        for range in [0..200_000, 0..0, 5..6, 65_535..131_073, 199_999..200_000] {
            let mut body = FileBody::begin(file(&content), range.clone(), Turns::default()).unwrap();
            let mut found = Vec::new();
            while let Some(frame) = body.frame().await {
                let data = frame.unwrap().into_data().unwrap();
                assert!(data.len() as u64 <= PIECE_BYTES);
                found.extend_from_slice(&data);
                assert_eq!(body.size_hint().exact(), Some(range.end - range.start - found.len() as u64));
            }
            assert!(found == content[range.start as usize..range.end as usize], "{range:?}");
            assert!(body.is_end_stream());
        }
    }

    #[tokio::test]
    async fn a_file_that_shrinks_is_not_sent_as_if_it_were_whole() {
        let content = file(&[b'x'; 100_000]);
        let mut body = FileBody::begin(content.try_clone().unwrap(), 0..100_000, Turns::default()).unwrap();
        content.set_len(80_000).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 65_536);
        let broken = body.frame().await.unwrap().unwrap_err();
        assert!(matches!(broken, FileError::Shrunk(20_000)), "{broken}");
        assert!(!body.is_end_stream(), "it looks whole");
        assert!(body.frame().await.is_none());
    }
}

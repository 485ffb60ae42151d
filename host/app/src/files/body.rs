//! A file on its way to a visitor: one piece in memory at a time, and never less than was promised without saying so.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

use crate::files::budget::BufferShare;
use crate::files::budget::FileBuffers;
use crate::files::budget::PIECE_BYTES;
use crate::files::error::FileError;
use crate::files::turns::BlockingPermits;
use crate::places::pace::Pace;
use crate::places::pace::Way;

/// Some bytes of a file. An error means that the connection must be cut: the head has promised more.
pub struct FileBody {
    /// What is still to be handed over.
    left: Range<u64>,
    /// `None` where nothing of it is sent.
    contents: Option<Arc<Contents>>,
    reading: Option<Reading>,
    /// Bytes of the piece that was handed over last.
    handed: u64,
    is_at_hand: bool,
}

/// What a body holds, within reach of whoever ends its request.
struct Contents {
    pace: Arc<Pace>,
    // Held for a few instructions, never across an await.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// The first piece, read when the file was opened.
    first: Option<Bytes>,
    /// Where more comes from. `None` when the first piece is all: what is in memory needs no descriptor.
    source: Option<Source>,
}

#[derive(Clone)]
struct Source {
    file: Arc<File>,
    turns: BlockingPermits,
    held: BufferShare,
}

/// Bytes in memory, which keep their room: whoever sends them may have them longer than we do.
struct Piece {
    bytes: Vec<u8>,
    _held: BufferShare,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<Bytes, FileError>> + Send>>;

impl FileBody {
    /// Nothing.
    pub fn empty() -> FileBody {
        FileBody::untold(0..0)
    }

    /// These bytes of `file`, if there is room for them; the first piece is read here and now. Blocks.
    pub fn begin(
        file: File,
        bytes: Range<u64>,
        turns: BlockingPermits,
        buffers: &mut FileBuffers,
    ) -> Result<FileBody, FileError> {
        if bytes.is_empty() {
            return Ok(FileBody::empty());
        }
        let held = buffers.take(bytes.end - bytes.start)?;
        let first = read(&file, &bytes, held.clone())?;
        let is_at_hand = first.len() as u64 == bytes.end - bytes.start;
        let source = (!is_at_hand).then(|| Source { file: Arc::new(file), turns, held });
        let contents = Contents { pace: buffers.pace().clone(), held: Mutex::new(Held { first: Some(first), source }) };
        let contents = Arc::new(contents);
        // What nobody has asked for yet goes at once, though nobody asks.
        let within_reach = Arc::downgrade(&contents);
        contents.pace.when_ended(move || {
            if let Some(contents) = within_reach.upgrade() {
                *contents.held() = Held::default();
            }
        });
        contents.pace.waits(Way::Out);
        Ok(FileBody { left: bytes, contents: Some(contents), reading: None, handed: 0, is_at_hand })
    }

    /// The length of these bytes and none of them, as HEAD wants it. It keeps no file open.
    pub fn untold(bytes: Range<u64>) -> FileBody {
        let is_at_hand = bytes.is_empty();
        FileBody { left: bytes, contents: None, reading: None, handed: 0, is_at_hand }
    }

    /// Whether all of it is in memory.
    pub fn is_at_hand(&self) -> bool {
        self.is_at_hand
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, FileError>>> {
        let Some(contents) = &self.contents else { return Poll::Ready(None) };
        contents.pace.moved(Way::Out, std::mem::take(&mut self.handed));
        if contents.pace.is_ended() && !self.left.is_empty() {
            self.contents = None;
            return Poll::Ready(Some(Err(FileError::GaveWay)));
        }
        if let Some(first) = contents.held().first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let source = contents.held().source.clone();
        let (false, Some(source)) = (self.left.is_empty(), source) else { return Poll::Ready(None) };
        let reading = self.reading.get_or_insert_with(|| {
            let (Source { file, turns, held }, left) = (source, self.left.clone());
            Box::pin(async move { turns.take(move || read(&file, &left, held)).await })
        });
        let read = ready!(reading.as_mut().poll(context));
        self.reading = None;
        Poll::Ready(Some(read))
    }
}

impl Contents {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first piece of `bytes`, whole.
fn read(file: &File, bytes: &Range<u64>, held: BufferShare) -> Result<Bytes, FileError> {
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
    Ok(Bytes::from_owner(Piece { bytes: piece, _held: held }))
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
                self.handed = bytes.len() as u64;
                self.left.start += self.handed;
                // Until it is asked for more.
                self.contents.iter().for_each(|contents| contents.pace.waits(Way::Out));
                Ok(Frame::data(bytes))
            }
            Err(error) => {
                // Nothing comes after an error.
                self.contents = None;
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.end - self.left.start)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use http_body_util::BodyExt as _;

    use super::*;
    use crate::files::budget::BufferBudget;
    use crate::places::pace::Visitor;

    fn buffers(room: &BufferBudget) -> FileBuffers {
        FileBuffers::new(room.clone(), Arc::new(Pace::new(Visitor::of(None))), None)
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[tokio::test]
    async fn bytes_come_in_pieces() {
        let content: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        for range in [0..200_000, 0..0, 5..6, 65_535..131_073, 199_999..200_000] {
            let room = BufferBudget::new(1);
            let mut body =
                FileBody::begin(file(&content), range.clone(), BlockingPermits::default(), &mut buffers(&room))
                    .unwrap();
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
        let again = content.try_clone().unwrap();
        let mut body =
            FileBody::begin(again, 0..100_000, BlockingPermits::default(), &mut buffers(&BufferBudget::new(1)))
                .unwrap();
        content.set_len(80_000).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 65_536);
        let broken = body.frame().await.unwrap().unwrap_err();
        assert!(matches!(broken, FileError::Shrunk(20_000)), "{broken}");
        assert!(!body.is_end_stream(), "it looks whole");
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn room_comes_back_when_the_last_piece_is_gone() {
        let (room, content) = (BufferBudget::new(1), vec![b'x'; 100_000]);
        let begin = |bytes| FileBody::begin(file(&content), bytes, BlockingPermits::default(), &mut buffers(&room));
        let mut long = begin(0..100_000).unwrap();
        let first = long.frame().await.unwrap().unwrap();
        assert!(matches!(begin(0..1), Err(FileError::Full(1))));
        drop(long);
        assert!(matches!(begin(0..1), Err(FileError::Full(1))), "a piece is still on its way");
        drop(first);
        assert!(begin(0..1).is_ok());
        // Nothing needs no room.
        let _long = begin(0..100_000).unwrap();
        assert!(begin(0..0).is_ok());
    }

    #[test]
    fn a_file_that_is_all_in_memory_is_closed() {
        let content = [b'x'; 70_000];
        for (length, is_open) in [(1, false), (PIECE_BYTES, false), (PIECE_BYTES + 1, true)] {
            let body = FileBody::begin(
                file(&content),
                0..length,
                BlockingPermits::default(),
                &mut buffers(&BufferBudget::new(1)),
            )
            .unwrap();
            assert_eq!(body.contents.unwrap().held().source.is_some(), is_open, "{length}");
        }
    }
}

//! A request's body, taken in before its request takes a place or its turn: in memory while it is small, then in a file
//! without a name. A visitor who sends slowly so holds bytes that are paid for, and nothing of the app.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;
use futures_util::FutureExt as _;
use guesthouse_sandbox::request::BodyError;
use guesthouse_sandbox::request::RequestBody;
use guesthouse_types::name::AppName;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use http_body_util::Full;

use crate::blocking::blocking;
use crate::budget::Budget;
use crate::budget::Charge;
use crate::budget::Exhausted;
use crate::fill::Fill;
use crate::pieces;
use crate::places::pace::Visitor;

/// A body that is no longer is kept in memory, in bytes.
pub const IN_MEMORY_BYTES_MAX: usize = 64 << 10;

/// What all bodies in memory may have together, in bytes. What finds no room there goes into a file.
pub const MEMORY_BYTES_MAX: u64 = 64 << 20;

/// What is written to a file, and read from it, at once.
const PIECE_BYTES: usize = 256 << 10;

/// Where bodies wait, for the whole host.
#[derive(Clone, Debug)]
pub struct RequestBuffers {
    folder: Arc<Path>,
    memory: Arc<Budget>,
    disk: Arc<Budget>,
}

/// Why a body was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum BufferError {
    /// It did not arrive whole.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// There is no room at this moment (503).
    #[error("no room for the request's body: {0}")]
    Full(#[from] Exhausted),
    /// It is longer than what one visitor may have waiting (413).
    #[error("the request's body is longer than the {0} bytes that one visitor may have waiting")]
    TooLarge(u64),
    /// It cannot be written (503).
    #[error("no room for the request's body: {0}")]
    Disk(io::Error),
}

impl RequestBuffers {
    /// Files in `folder`, of so many bytes in all.
    pub fn new(folder: PathBuf, disk_bytes_max: u64) -> RequestBuffers {
        RequestBuffers {
            folder: folder.into(),
            memory: Budget::new(MEMORY_BYTES_MAX),
            disk: Budget::new(disk_bytes_max),
        }
    }

    /// How full memory and files are, in bytes.
    pub fn fills(&self) -> [Fill; 2] {
        [self.memory.fill(), self.disk.fill()]
    }

    /// Takes in all of `body`, which a request of `visitor` to `app` has. Dropping the future lets go of what has come.
    pub async fn take_in(
        &self,
        mut body: RequestBody,
        app: &AppName,
        visitor: Visitor,
    ) -> Result<RequestBody, BufferError> {
        if body.size_hint().exact().is_some_and(|length| length > self.disk.visitor_bytes_max()) {
            return Err(BufferError::TooLarge(self.disk.visitor_bytes_max()));
        }
        let mut charge = self.memory.charge(app, visitor);
        let mut whole = BytesMut::new();
        let mut only = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let length = whole.len() + only.as_ref().map_or(0, Bytes::len) + data.len();
            if length > IN_MEMORY_BYTES_MAX || charge.pay(data.len() as u64).is_err() {
                whole.extend(only);
                whole.extend_from_slice(&data);
                drop(charge);
                return self.write_to_file(body, whole, self.disk.charge(app, visitor)).await;
            }
            match (whole.is_empty(), only.take()) {
                // Most come in one piece, which is handed on as it is.
                (true, None) => only = Some(data),
                (_, first) => {
                    whole.extend(first);
                    whole.extend_from_slice(&data);
                }
            }
        }
        let bytes = only.unwrap_or_else(|| whole.freeze());
        Ok(InMemory { body: Full::new(bytes), _charge: charge }.boxed_unsync())
    }

    /// The same for a body that is too long for memory: `begun` is what has come.
    async fn write_to_file(
        &self,
        mut body: RequestBody,
        mut begun: BytesMut,
        mut charge: Charge,
    ) -> Result<RequestBody, BufferError> {
        let folder = self.folder.clone();
        let file = file_work(move || tempfile::tempfile_in(&folder)).await?;
        let (file, mut length) = (Arc::new(file), 0_u64);
        loop {
            // What has come is written as soon as nothing more is there: who sends slowly holds no memory.
            let at_hand = if begun.len() < PIECE_BYTES { body.frame().now_or_never() } else { None };
            let next = match at_hand {
                Some(next) => next,
                None => {
                    let piece = begun.split().freeze();
                    charge.pay(piece.len() as u64)?;
                    let (to, at) = (file.clone(), length);
                    length += piece.len() as u64;
                    file_work(move || to.write_all_at(&piece, at)).await?;
                    body.frame().await
                }
            };
            match next.transpose()? {
                Some(frame) => frame.data_ref().into_iter().for_each(|data| begun.extend_from_slice(data)),
                None => break,
            }
        }
        charge.pay(begun.len() as u64)?;
        let (to, at) = (file.clone(), length);
        length += begun.len() as u64;
        file_work(move || to.write_all_at(&begun, at)).await?;
        Ok(InFile { file, left: 0..length, reading: None, _charge: charge }.boxed_unsync())
    }
}

async fn file_work<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, BufferError> {
    blocking(work).await.unwrap_or_else(|panicked| Err(io::Error::other(panicked))).map_err(BufferError::Disk)
}

/// A body in memory, which keeps what it paid for.
struct InMemory {
    body: Full<Bytes>,
    _charge: Charge,
}

impl Body for InMemory {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(context).map_err(|never| match never {})
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<Bytes, BufferError>> + Send>>;

/// A body in a file.
struct InFile {
    file: Arc<File>,
    left: std::ops::Range<u64>,
    reading: Option<Reading>,
    _charge: Charge,
}

impl Body for InFile {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let (file, left) = (self.file.clone(), self.left.clone());
        let reading = self
            .reading
            .get_or_insert_with(|| Box::pin(file_work(move || pieces::read(&file, &left, PIECE_BYTES as u64))));
        let read = ready!(reading.as_mut().poll(context));
        self.reading = None;
        Poll::Ready(Some(match read {
            Ok(bytes) => {
                self.left.start += bytes.len() as u64;
                Ok(Frame::data(bytes))
            }
            Err(error) => {
                // Nothing comes after an error.
                self.left = 0..0;
                Err(BodyError::Broken(error.to_string()))
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
    use http_body_util::StreamBody;

    use super::*;

    fn body(pieces: &[usize]) -> RequestBody {
        let frames: Vec<_> = pieces.iter().map(|length| Ok(Frame::data(Bytes::from(vec![b'x'; *length])))).collect();
        StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
    }

    /// In memory and in files, in bytes.
    fn spent(room: &RequestBuffers) -> (u64, u64) {
        let [memory, disk] = room.fills();
        (memory.used, disk.used)
    }

    async fn take_in(room: &RequestBuffers, pieces: &[usize]) -> Result<RequestBody, BufferError> {
        room.take_in(body(pieces), &AppName::parse("shop").unwrap(), Visitor::of(None)).await
    }

    #[tokio::test]
    async fn what_is_small_stays_in_memory_and_the_rest_goes_into_a_file_without_a_name() {
        let home = tempfile::tempdir().unwrap();
        let room = RequestBuffers::new(home.path().to_owned(), 4 << 20);
        for (pieces, expected) in [
            (&[][..], (0, 0)),
            (&[10], (10, 0)),
            (&[10, 20, 30], (60, 0)),
            (&[IN_MEMORY_BYTES_MAX], (65_536, 0)),
            (&[IN_MEMORY_BYTES_MAX, 1], (0, 65_537)),
            (&[300_000, 300_000, 5], (0, 600_005)),
        ] {
            let taken = take_in(&room, pieces).await.unwrap();
            assert_eq!(spent(&room), expected, "{pieces:?}");
            let length: usize = pieces.iter().sum();
            assert_eq!(taken.size_hint().exact(), Some(length as u64), "{pieces:?}");
            let bytes = taken.collect().await.unwrap().to_bytes();
            assert_eq!((bytes.len(), bytes.iter().all(|byte| *byte == b'x')), (length, true), "{pieces:?}");
            assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
        }
        assert_eq!(spent(&room), (0, 0));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_said_with_its_bound_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let room = RequestBuffers::new(home.path().to_owned(), 1 << 20);
        let _held = take_in(&room, &[200_000]).await.unwrap();
        let full = take_in(&room, &[100_000]).await.err().unwrap().to_string();
        assert_eq!(
            full,
            "no room for the request's body: the requests of one visitor have 200000 bytes waiting, and more are not kept"
        );
        assert_eq!(spent(&room), (0, 200_000));
        let long = Full::new(Bytes::from(vec![0; 300_000])).map_err(|never| match never {}).boxed_unsync();
        let long = room.take_in(long, &AppName::parse("shop").unwrap(), Visitor::of(None)).await.err().unwrap();
        assert!(matches!(long, BufferError::TooLarge(262_144)), "{long}");
        let nowhere = RequestBuffers::new(home.path().join("none"), 1 << 20);
        assert!(matches!(take_in(&nowhere, &[100_000]).await, Err(BufferError::Disk(_))));
        assert_eq!(spent(&nowhere), (0, 0));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_body() {
        let home = tempfile::tempdir().unwrap();
        let room = RequestBuffers::new(home.path().to_owned(), 4 << 20);
        let frames = [Ok(Frame::data(Bytes::from(vec![0; 100_000]))), Err(BodyError::Broken("gone".to_owned()))];
        let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
        let error = room.take_in(body, &AppName::parse("shop").unwrap(), Visitor::of(None)).await.err().unwrap();
        assert_eq!((error.to_string().as_str(), spent(&room)), ("gone", (0, 0)));
    }
}

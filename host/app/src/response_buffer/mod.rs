//! A response between its guest and its visitor: what the guest has written waits here, so that the guest can end and give
//! its place back while the visitor reads.
//!
//! Nothing is held back from a visitor who reads. What a slow one has not read is in memory first, then in a file; a guest
//! that writes more than that is stopped, as it would be by the socket.

pub mod buffers;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::instances::response::GuestBody;
use guesthouse_types::name::AppName;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blocking::Panicked;
use crate::blocking::blocking;
use crate::pieces;
use crate::places::pace::Pace;
use crate::places::pace::Way;
use crate::response_buffer::buffers::ResponseBuffers;
use crate::response_buffer::buffers::Spill;

/// What one response may have in memory that nobody has read, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 256 << 10;

/// What one response may have in a file, in bytes.
pub const FILE_BYTES_MAX: u64 = 8 << 20;

/// A visitor who has taken nothing for so long, while memory is full, is slow enough for a file.
const SPILL_AFTER: Duration = Duration::from_millis(100);

/// What is read from a file at once.
const PIECE_BYTES: u64 = 64 << 10;

/// Why a response ended before it was whole.
#[derive(Debug)]
pub enum Unfinished {
    /// The guest failed, or its revision's time was over.
    Fault(Fault),
    /// Its visitor was slow, and others waited for its place.
    GaveWay,
    /// The host failed while it took it from the guest, or cannot read what it kept.
    Lost,
}

/// Of what, for whom, and where what is written may wait.
pub struct Buffering<'a> {
    /// The app.
    pub app: &'a AppName,
    /// How fast the visitor reads.
    pub pace: &'a Arc<Pace>,
    /// Where it waits.
    pub room: &'a ResponseBuffers,
    /// When it is cut.
    pub retired: &'a CancellationToken,
    /// Tracks the task that takes it from the guest.
    pub tasks: &'a TaskTracker,
}

/// The visitor's end of a response. Dropping it ends the guest.
pub struct ResponseBuffer {
    shared: Arc<Shared>,
    guest: AbortHandle,
    reading: Option<Reading>,
    /// What is still to be handed over, where the guest's body knew it.
    left: Option<u64>,
    /// Bytes of the piece that was handed over last.
    handed: u64,
}

type Reading = Pin<Box<dyn Future<Output = Result<io::Result<Bytes>, Panicked>> + Send>>;

struct Shared {
    // Held for a few instructions, never across an await.
    inner: Mutex<Inner>,
    /// The visitor has taken something.
    taken: Notify,
    app: AppName,
    room: ResponseBuffers,
    pace: Arc<Pace>,
}

/// In the order in which it is read: pieces in memory, what is in the file, trailers, the end.
#[derive(Default)]
struct Inner {
    frames: VecDeque<(Frame<Bytes>, Option<OwnedSemaphorePermit>)>,
    bytes: usize,
    spill: Option<Spill>,
    /// Where in the file is what nobody has read yet.
    unread: std::ops::Range<u64>,
    trailers: Option<Frame<Bytes>>,
    end: Option<Result<(), Unfinished>>,
    /// Who waits for the next piece.
    reader: Option<Waker>,
}

/// What becomes of the next piece.
enum Next {
    /// It is in memory.
    Kept(Option<Waker>),
    /// It goes into the file, here.
    Write(Arc<File>, u64),
    /// Until the visitor has taken something; or, if that takes long, into a file.
    Wait { may_spill: bool },
}

impl ResponseBuffer {
    /// Lets the guest write on in a task of its own.
    pub fn of(body: GuestBody, buffering: &Buffering<'_>) -> ResponseBuffer {
        let Buffering { app, pace, room, retired, tasks } = *buffering;
        let (left, app, pace) = (body.size_hint().exact(), app.clone(), pace.clone());
        let (inner, taken) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { inner, taken, app, room: room.clone(), pace });
        let guest = tasks.spawn(fill(body, shared.clone(), retired.clone())).abort_handle();
        ResponseBuffer { shared, guest, reading: None, left, handed: 0 }
    }

    fn hand_over(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, Unfinished>>> {
        self.handed = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.left = self.left.map(|left| left.saturating_sub(self.handed));
        // Until it is asked for more.
        self.shared.pace.waits(Way::Out);
        self.shared.taken.notify_one();
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Drop for ResponseBuffer {
    fn drop(&mut self) {
        self.guest.abort();
    }
}

impl Inner {
    fn is_read(&self) -> bool {
        self.frames.is_empty() && self.unread.is_empty() && self.trailers.is_none()
    }

    /// Where in the file so many bytes more may be written, once they are paid for.
    fn at_in_file(&mut self, bytes: u64) -> Option<(Arc<File>, u64)> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        }
        let end = self.unread.end.checked_add(bytes).filter(|end| *end <= FILE_BYTES_MAX)?;
        let spill = self.spill.as_mut()?;
        spill.grow_to(end).then(|| (spill.file().clone(), self.unread.end))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a piece in, once there is room for it: the first always fits.
    async fn put(&self, data: Bytes) {
        loop {
            let taken = self.taken.notified();
            match self.next(&data) {
                Next::Kept(reader) => return self.wake(reader),
                Next::Write(file, at) => {
                    if self.write(file, at, data.clone()).await {
                        return;
                    }
                }
                Next::Wait { may_spill: false } => taken.await,
                Next::Wait { may_spill: true } => {
                    if tokio::time::timeout(SPILL_AFTER, taken).await.is_ok() {
                        continue;
                    }
                    if let Some((file, at)) = self.begin_file(data.len() as u64).await
                        && self.write(file, at, data.clone()).await
                    {
                        return;
                    }
                }
            }
        }
    }

    /// From now on pieces may go into a file: where the first one does.
    async fn begin_file(&self, bytes: u64) -> Option<(Arc<File>, u64)> {
        let is_first = self.lock().spill.is_none();
        if is_first {
            let spill = self.room.spill(&self.app, self.pace.visitor()).await;
            self.lock().spill = spill;
        }
        self.lock().at_in_file(bytes)
    }

    fn next(&self, data: &Bytes) -> Next {
        let mut inner = self.lock();
        if !inner.unread.is_empty() {
            // What comes later stays behind what came before.
            return match inner.at_in_file(data.len() as u64) {
                Some((file, at)) => Next::Write(file, at),
                None => Next::Wait { may_spill: false },
            };
        }
        if inner.bytes < RESPONSE_BYTES_MAX || inner.frames.is_empty() {
            let permit = self.room.take(data.len());
            if permit.is_some() || inner.frames.is_empty() {
                inner.frames.push_back((Frame::data(data.clone()), permit));
                inner.bytes += data.len();
                return Next::Kept(inner.reader.take());
            }
        }
        Next::Wait { may_spill: true }
    }

    /// Writes a piece into the file. What cannot be written is not lost: it waits for its visitor.
    async fn write(&self, file: Arc<File>, at: u64, data: Bytes) -> bool {
        let end = at + data.len() as u64;
        let is_written = matches!(blocking(move || file.write_all_at(&data, at)).await, Ok(Ok(())));
        let reader = {
            let mut inner = self.lock();
            if is_written {
                inner.unread.end = end;
            } else if inner.unread.is_empty() {
                inner.spill = None;
            }
            inner.reader.take()
        };
        if is_written {
            self.wake(reader);
        } else {
            // Its memory is all there is.
            self.taken.notified().await;
        }
        is_written
    }

    fn end(&self, end: Result<(), Unfinished>) {
        let reader = {
            let mut inner = self.lock();
            let reader = inner.reader.take();
            if matches!(end, Err(Unfinished::GaveWay)) {
                *inner = Inner::default();
            }
            inner.end = Some(end);
            reader
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Whoever does not ask for what is there is waited for.
    fn wake(&self, reader: Option<Waker>) {
        match reader {
            Some(reader) => reader.wake(),
            None => self.pace.waits(Way::Out),
        }
    }
}

/// The guest's end.
async fn fill(mut body: GuestBody, shared: Arc<Shared>, retired: CancellationToken) {
    let _lost = Lost(shared.clone());
    let end = tokio::select! {
        biased;
        written = write(&mut body, &shared) => written.map_err(Unfinished::Fault),
        () = retired.cancelled() => Err(Unfinished::Fault(Fault::Retired)),
        () = shared.pace.ended() => Err(Unfinished::GaveWay),
    };
    // The guest first: its place is free before its visitor knows.
    drop(body);
    shared.end(end);
}

async fn write(body: &mut GuestBody, shared: &Shared) -> Result<(), Fault> {
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) if data.len() <= RESPONSE_BYTES_MAX => shared.put(data).await,
            // Copied, so that what was read of it does not keep the rest.
            Ok(data) => {
                for piece in data.chunks(RESPONSE_BYTES_MAX) {
                    shared.put(Bytes::copy_from_slice(piece)).await;
                }
            }
            Err(trailers) => shared.lock().trailers = Some(trailers),
        }
    }
    Ok(())
}

/// Whatever becomes of the task, nobody waits for what does not come: a panic in it is a bug of ours.
struct Lost(Arc<Shared>);

impl Drop for Lost {
    fn drop(&mut self) {
        let has_ended = self.0.lock().end.is_some();
        if !has_ended {
            self.0.end(Err(Unfinished::Lost));
        }
    }
}

impl Body for ResponseBuffer {
    type Data = Bytes;
    type Error = Unfinished;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unfinished>>> {
        let this = &mut *self;
        let shared = this.shared.clone();
        shared.pace.moved(Way::Out, std::mem::take(&mut this.handed));
        let mut inner = shared.lock();
        if let Some((frame, _)) = inner.frames.pop_front() {
            inner.bytes -= frame.data_ref().map_or(0, Bytes::len);
            drop(inner);
            return this.hand_over(frame);
        }
        if let (false, Some(spill)) = (inner.unread.is_empty(), &inner.spill) {
            let (file, unread) = (spill.file().clone(), inner.unread.clone());
            drop(inner);
            let reading = this
                .reading
                .get_or_insert_with(|| Box::pin(blocking(move || pieces::read(&file, &unread, PIECE_BYTES))));
            let read = ready!(reading.as_mut().poll(context));
            this.reading = None;
            let Ok(Ok(bytes)) = read else {
                // Nothing comes after an error.
                this.guest.abort();
                *shared.lock() = Inner { end: Some(Ok(())), ..Inner::default() };
                return Poll::Ready(Some(Err(Unfinished::Lost)));
            };
            shared.lock().unread.start += bytes.len() as u64;
            return this.hand_over(Frame::data(bytes));
        }
        match inner.end.take() {
            None => {
                inner.reader = Some(context.waker().clone());
                Poll::Pending
            }
            Some(Ok(())) => {
                inner.end = Some(Ok(()));
                let trailers = inner.trailers.take();
                drop(inner);
                trailers.map_or(Poll::Ready(None), |trailers| this.hand_over(trailers))
            }
            Some(Err(unfinished)) => {
                *inner = Inner { end: Some(Ok(())), ..Inner::default() };
                Poll::Ready(Some(Err(unfinished)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let inner = self.shared.lock();
        inner.is_read() && matches!(inner.end, Some(Ok(())))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

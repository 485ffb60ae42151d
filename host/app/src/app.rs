//! An app: a guest, ready to call, behind its own admission.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_sandbox::command::CommandError;
use guesthouse_sandbox::console::Command;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::guest::Guest;
use guesthouse_sandbox::instances::response::GuestBody;
use guesthouse_sandbox::request::GuestRequest;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::admission::Admission;
use crate::admission::AdmissionError;
use crate::failures::Failures;
use crate::files::Fallback;
use crate::files::FileRequest;
use crate::files::FileResult;
use crate::files::Files;
use crate::files::body::FileBody;
use crate::files::error::FileError;
use crate::fill::Fill;
use crate::places::pace::Pace;
use crate::places::pace::Visitor;
use crate::request_buffer::BufferError;
use crate::request_buffer::RequestBuffers;
use crate::response_buffer::Buffering;
use crate::response_buffer::RESPONSE_BYTES_MAX;
use crate::response_buffer::ResponseBuffer;
use crate::response_buffer::Unfinished;
use crate::response_buffer::buffers::ResponseBuffers;

/// How much of the host one app may hold at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppLimits {
    /// Requests that run at the same moment.
    pub concurrency: usize,
    /// Requests that may wait for one of those to end.
    pub queue: usize,
    /// How long they wait.
    pub queue_wait: Duration,
    /// Length of a request's body, in bytes.
    pub request_bytes_max: u64,
    /// How long requests may go on after their revision was replaced.
    pub drain: Duration,
}

impl Default for AppLimits {
    fn default() -> AppLimits {
        AppLimits {
            concurrency: 64,
            queue: 64,
            queue_wait: Duration::from_secs(1),
            request_bytes_max: 16 << 20,
            drain: Duration::from_secs(30),
        }
    }
}

/// What is said of a request that was ended for others.
pub(crate) const GAVE_WAY: &str = "its visitor was slow to send or to read, and others waited for its place";

/// One revision of one app.
pub struct App {
    /// Its name.
    pub name: AppName,
    /// Its content.
    pub revision: Revision,
    /// Its bounds.
    pub limits: AppLimits,
    /// Whether it wants what it answers to be compressed, if it says so.
    pub compress: Option<bool>,
    /// Names of apps that may call it, with `*` for any text.
    pub callers: Vec<String>,
    /// The files that are served for it.
    pub files: Files,
    /// Whether bodies of requests are taken in whole before the guest is called, if it says so.
    pub buffer: Option<bool>,
    /// Where bodies of requests wait that are taken in whole before the guest is called, if that is known.
    pub request_buffers: Option<RequestBuffers>,
    /// The room for what it has written and nobody has read.
    pub response_buffers: ResponseBuffers,
    /// How often it failed.
    pub failures: Failures,
    guest: Guest,
    admission: Arc<Admission>,
    in_flight: TaskTracker,
    /// Guests that write while their visitors read; each is in flight by its own guard.
    writing: TaskTracker,
    retired: CancellationToken,
}

/// A request that is in flight on one revision: its drain waits for it.
#[derive(Clone)]
pub struct InFlight(TaskTrackerToken);

/// What the app's files say to a request.
pub enum FileAnswer {
    /// There is no such file.
    Nothing,
    /// A folder is meant: go to the same with a slash.
    MissingSlash,
    /// A response.
    Answered(Box<Response<AppBody>>),
}

/// Why a call gave no response.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no room (503).
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// Its visitor was slow, and others waited for its place (408).
    #[error("{GAVE_WAY}")]
    GaveWay,
    /// Its body was not taken in (413, 503).
    #[error(transparent)]
    Buffer(BufferError),
    /// The guest failed (502, 504).
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<BufferError> for CallError {
    fn from(error: BufferError) -> CallError {
        match error {
            BufferError::Body(error) => CallError::Fault(error.into()),
            other => CallError::Buffer(other),
        }
    }
}

impl App {
    /// Puts a guest behind `admission`, which the revisions of one app share.
    pub fn new(name: AppName, revision: Revision, limits: AppLimits, guest: Guest, admission: Arc<Admission>) -> App {
        let (in_flight, writing, retired) = (TaskTracker::new(), TaskTracker::new(), CancellationToken::new());
        let (compress, files) = (None, Files::default());
        let (request_buffers, response_buffers, failures) = (None, ResponseBuffers::default(), Failures::default());
        App {
            name,
            revision,
            limits,
            compress,
            callers: Vec::new(),
            files,
            buffer: None,
            request_buffers,
            response_buffers,
            failures,
            guest,
            admission,
            in_flight,
            writing,
            retired,
        }
    }

    /// Counts a request as in flight on this revision. `None` if it was replaced since it was looked up: its drain may be
    /// over already, and nothing would ever cut the request. The table has what replaced it.
    pub fn enter(&self) -> Option<InFlight> {
        // Counted before the look, so that a drain that begins in between waits for it.
        let token = self.in_flight.token();
        (!self.in_flight.is_closed()).then_some(InFlight(token))
    }

    /// Asks the guest for one response. Dropping the future or the response's body ends the guest.
    pub async fn call(
        &self,
        in_flight: InFlight,
        request: GuestRequest,
        pace: &Arc<Pace>,
    ) -> Result<Response<AppBody>, CallError> {
        let InFlight(in_flight) = in_flight;
        // Before its body is taken in: whoever is sent away is to cost little.
        self.admission.would_admit(pace.visitor())?;
        let request = self.take_in(request, pace.visitor()).await?;
        let guard = (self.admission.admit(pace).await?, in_flight);
        let received = self.guest.receive(request).await?;
        let response = tokio::select! {
            // The guest first: most are done when they are asked once.
            biased;
            response = self.guest.call(received, Box::new(guard)) => response?,
            () = self.retired.cancelled() => return Err(Fault::Retired.into()),
            () = pace.ended() => return Err(CallError::GaveWay),
        };
        Ok(response.map(|body| self.guest_body(body, pace)))
    }

    /// Runs a command of the app's own, and says its exit code. It counts as in flight: a drain waits for it, and cuts it when
    /// its time is over. Dropping the future ends it.
    pub async fn run(&self, in_flight: InFlight, command: Command) -> Result<u8, CommandError> {
        let InFlight(in_flight) = in_flight;
        tokio::select! {
            biased;
            code = self.guest.run(command, Box::new(in_flight)) => code,
            () = self.retired.cancelled() => Err(Fault::Retired.into()),
        }
    }

    /// A guest that is called with whole bodies, or that works alone on its state, does not wait for whoever sends one.
    async fn take_in(&self, mut request: GuestRequest, visitor: Visitor) -> Result<GuestRequest, CallError> {
        if let Some(room) = &self.request_buffers
            && !request.body.is_end_stream()
            && (self.guest.is_called_with_whole_requests() || self.buffer.unwrap_or(self.guest.works_alone()))
        {
            // Boxed: most requests have no body.
            request.body = Box::pin(room.take_in(request.body, &self.name, visitor)).await?;
        }
        Ok(request)
    }

    /// A small body that is complete waits for nobody; any other is written on while its visitor reads, or kept in a file.
    fn guest_body(&self, body: GuestBody, pace: &Arc<Pace>) -> AppBody {
        let whole = body.size_hint().exact();
        if whole.is_some_and(|bytes| bytes <= RESPONSE_BYTES_MAX as u64) {
            return AppBody { kind: Kind::Whole(body), retired: None };
        }
        // A guest that has ended needs nothing of its revision any more.
        let retired = if whole.is_some() { CancellationToken::new() } else { self.retired.clone() };
        let (app, room, tasks) = (&self.name, &self.response_buffers, &self.writing);
        let buffer = ResponseBuffer::of(body, &Buffering { app, pace, room, retired: &retired, tasks });
        AppBody { kind: Kind::Buffered(Box::new(buffer)), retired: None }
    }

    /// Looks for a file. The guest has nothing to do with it, and no place is needed.
    pub async fn file(&self, in_flight: &InFlight, asked: &FileRequest<'_>) -> Result<FileAnswer, FileError> {
        let found = self.files.find(asked).await?;
        Ok(self.file_answer(found, in_flight))
    }

    /// Answers with a fallback, when the guest had nothing.
    pub async fn fall_back(&self, in_flight: &InFlight, fallback: Fallback) -> Result<FileAnswer, FileError> {
        let found = self.files.fall_back(fallback).await?;
        Ok(self.file_answer(found, in_flight))
    }

    fn file_answer(&self, found: FileResult, in_flight: &InFlight) -> FileAnswer {
        match found {
            FileResult::Nothing => FileAnswer::Nothing,
            FileResult::MissingSlash => FileAnswer::MissingSlash,
            FileResult::Answered(response) => {
                let response = response.map(|body| AppBody::of_file(body, in_flight.clone(), &self.retired));
                FileAnswer::Answered(Box::new(response))
            }
        }
    }

    /// Tries in an instance of its own what the next request would begin with, on the state as it is.
    pub async fn try_as_it_is(&self) -> Result<(), Fault> {
        self.guest.try_as_it_is().await
    }

    /// What its instances keep is out of date: new requests get new ones.
    pub fn forget_instances(&self) {
        self.guest.forget_instances();
    }

    /// How full its places are.
    pub fn fill(&self) -> Fill {
        self.admission.fill()
    }

    /// How many requests are running.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Waits until the requests in flight have ended, and cuts them when the drain deadline has passed.
    /// Returns how many had to be cut.
    pub async fn drain(&self) -> usize {
        self.in_flight.close();
        if tokio::time::timeout(self.limits.drain, self.in_flight.wait()).await.is_ok() {
            return 0;
        }
        let left = self.in_flight.len();
        self.retired.cancel();
        left
    }
}

/// The body of an app's response. It ends with an error when its revision's time is over.
pub struct AppBody {
    kind: Kind,
    /// For a file of which more is to be read; a guest's body is cut where it is taken from the guest.
    retired: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

enum Kind {
    /// Of a guest that has ended.
    Whole(GuestBody),
    /// Of a guest that is still at it.
    Buffered(Box<ResponseBuffer>),
    /// Boxed, so that bodies of guests do not carry its size.
    File(Box<FileInFlight>),
}

/// A file, whose request the revision's drain waits for.
struct FileInFlight {
    body: FileBody,
    _in_flight: InFlight,
}

/// Why the body of an app's response broke off.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The guest failed, or its time was over.
    #[error(transparent)]
    Guest(#[from] Fault),
    /// A file could not be read to its end.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its visitor was slow, and others waited for its place.
    #[error("{GAVE_WAY}")]
    GaveWay,
    /// A bug of ours.
    #[error("the host failed while it took the response from its guest: this is a bug of guesthouse")]
    Lost,
}

impl From<Unfinished> for Broken {
    fn from(unfinished: Unfinished) -> Broken {
        match unfinished {
            Unfinished::Fault(fault) => Broken::Guest(fault),
            Unfinished::GaveWay => Broken::GaveWay,
            Unfinished::Lost => Broken::Lost,
        }
    }
}

impl AppBody {
    fn of_file(body: FileBody, in_flight: InFlight, retired: &CancellationToken) -> AppBody {
        let retired = (!body.is_at_hand()).then(|| Box::pin(retired.clone().cancelled_owned()));
        AppBody { kind: Kind::File(Box::new(FileInFlight { body, _in_flight: in_flight })), retired }
    }

    /// Whether it is a file: what was handed over of it keeps its room until it is sent.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File(_))
    }
}

impl Body for AppBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(retired) = &mut self.retired
            && retired.as_mut().poll(context).is_ready()
        {
            self.retired = None;
            return Poll::Ready(Some(Err(Fault::Retired.into())));
        }
        match &mut self.kind {
            Kind::Whole(body) => Pin::new(body).poll_frame(context).map_err(Broken::Guest),
            Kind::Buffered(body) => Pin::new(&mut **body).poll_frame(context).map_err(Broken::from),
            Kind::File(file) => Pin::new(&mut file.body).poll_frame(context).map_err(Broken::File),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(body) => body.is_end_stream(),
            Kind::Buffered(body) => body.is_end_stream(),
            Kind::File(file) => file.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(body) => body.size_hint(),
            Kind::Buffered(body) => body.size_hint(),
            Kind::File(file) => file.body.size_hint(),
        }
    }
}

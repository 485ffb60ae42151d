//! An app: a guest, ready to call, behind its own admission.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::guest::Guest;
use guesthouse_sandbox::request::GuestRequest;
use guesthouse_sandbox::response::GuestBody;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::failures::Failures;
use crate::files::Asked;
use crate::files::Fallback;
use crate::files::Files;
use crate::files::Found;
use crate::files::body::FileBody;
use crate::files::error::FileError;

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
    /// The files that are served for it.
    pub files: Files,
    /// How often it failed.
    pub failures: Failures,
    guest: Guest,
    admission: Arc<Admission>,
    in_flight: TaskTracker,
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
    /// Nobody made room in time (503).
    #[error("no room for another request within {0:?}")]
    Busy(Duration),
    /// Too many wait already (503).
    #[error("no room for another request, and {0} wait already")]
    QueueFull(usize),
    /// The guest failed (502, 504).
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl App {
    /// Puts a guest behind `admission`, which the revisions of one app share.
    pub fn new(name: AppName, revision: Revision, limits: AppLimits, guest: Guest, admission: Arc<Admission>) -> App {
        let (in_flight, retired) = (TaskTracker::new(), CancellationToken::new());
        let (compress, files) = (None, Files::default());
        let failures = Failures::default();
        App { name, revision, limits, compress, files, failures, guest, admission, in_flight, retired }
    }

    /// Counts a request as in flight on this revision. `None` if it was replaced since it was looked up: its drain may be
    /// over already, and nothing would ever cut the request. The table has what replaced it.
    pub fn enter(&self) -> Option<InFlight> {
        // Counted before the look, so that a drain that begins in between waits for it.
        let token = self.in_flight.token();
        (!self.in_flight.is_closed()).then_some(InFlight(token))
    }

    /// Asks the guest for one response. Dropping the future or the response's body ends the guest.
    pub async fn call(&self, in_flight: InFlight, request: GuestRequest) -> Result<Response<AppBody>, CallError> {
        let InFlight(in_flight) = in_flight;
        // Before its body is taken in: whoever is sent away is to cost little.
        self.admission.has_place()?;
        let received = self.guest.receive(request).await?;
        let stay = (self.admission.admit().await?, in_flight);
        let response = tokio::select! {
            // The guest first: most are done when they are asked once.
            biased;
            response = self.guest.call(received, Box::new(stay)) => response?,
            () = self.retired.cancelled() => return Err(Fault::Retired.into()),
        };
        Ok(response.map(|body| AppBody::of_guest(body, &self.retired)))
    }

    /// Looks for a file. The guest has nothing to do with it, and no permit is needed.
    pub async fn file(&self, in_flight: &InFlight, asked: &Asked<'_>) -> Result<FileAnswer, FileError> {
        let found = self.files.find(asked).await?;
        Ok(self.file_answer(found, in_flight))
    }

    /// Answers with a fallback, when the guest had nothing.
    pub async fn fall_back(&self, in_flight: &InFlight, fallback: Fallback) -> Result<FileAnswer, FileError> {
        let found = self.files.fall_back(fallback).await?;
        Ok(self.file_answer(found, in_flight))
    }

    fn file_answer(&self, found: Found, in_flight: &InFlight) -> FileAnswer {
        match found {
            Found::Nothing => FileAnswer::Nothing,
            Found::MissingSlash => FileAnswer::MissingSlash,
            Found::Answered(response) => {
                let response = response.map(|body| AppBody::of_file(body, in_flight.clone(), &self.retired));
                FileAnswer::Answered(Box::new(response))
            }
        }
    }

    /// What its instances keep is out of date: new requests get new ones.
    pub fn forget_instances(&self) {
        self.guest.forget_instances();
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

/// Counts the requests of one app, all its revisions together, and those of the host.
pub struct Admission {
    app: Arc<Semaphore>,
    host: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    queue_wait: Duration,
}

impl Admission {
    /// Admits as many as `limits` says, and never more than `host` has permits.
    pub fn new(limits: &AppLimits, host: Arc<Semaphore>) -> Admission {
        Admission {
            app: Arc::new(Semaphore::new(limits.concurrency)),
            host,
            waiting: AtomicUsize::new(0),
            queue: limits.queue,
            queue_wait: limits.queue_wait,
        }
    }

    /// Whether there is a permit, or a place in the queue for one, at this moment.
    fn has_place(&self) -> Result<(), CallError> {
        let is_full = self.app.available_permits() == 0 && self.waiting.load(Ordering::Relaxed) >= self.queue;
        if is_full { Err(CallError::QueueFull(self.queue)) } else { Ok(()) }
    }

    async fn admit(&self) -> Result<Permits, CallError> {
        if let Ok(app) = self.app.clone().try_acquire_owned()
            && let Ok(host) = self.host.clone().try_acquire_owned()
        {
            return Ok(Permits { _app: app, _host: host });
        }
        let _place = self.place_in_queue().ok_or(CallError::QueueFull(self.queue))?;
        let both = async {
            let app = self.app.clone().acquire_owned().await.ok()?;
            let host = self.host.clone().acquire_owned().await.ok()?;
            Some(Permits { _app: app, _host: host })
        };
        tokio::time::timeout(self.queue_wait, both).await.ok().flatten().ok_or(CallError::Busy(self.queue_wait))
    }

    fn place_in_queue(&self) -> Option<Place<'_>> {
        let place = Place(&self.waiting);
        (self.waiting.fetch_add(1, Ordering::Relaxed) < self.queue).then_some(place)
    }
}

/// A place in the queue, given back on drop.
struct Place<'admission>(&'admission AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Permits {
    _app: OwnedSemaphorePermit,
    _host: OwnedSemaphorePermit,
}

/// The body of an app's response. It ends with an error when its revision's time is over.
pub struct AppBody {
    kind: Kind,
    /// `None` when the body was complete from the start.
    retired: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

enum Kind {
    Guest(GuestBody),
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
}

impl AppBody {
    fn of_guest(body: GuestBody, retired: &CancellationToken) -> AppBody {
        let complete = body.size_hint().exact().is_some();
        AppBody { kind: Kind::Guest(body), retired: (!complete).then(|| Box::pin(retired.clone().cancelled_owned())) }
    }

    fn of_file(body: FileBody, in_flight: InFlight, retired: &CancellationToken) -> AppBody {
        let retired = (!body.is_at_hand()).then(|| Box::pin(retired.clone().cancelled_owned()));
        AppBody { kind: Kind::File(Box::new(FileInFlight { body, _in_flight: in_flight })), retired }
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
            Kind::Guest(body) => Pin::new(body).poll_frame(context).map_err(Broken::Guest),
            Kind::File(file) => Pin::new(&mut file.body).poll_frame(context).map_err(Broken::File),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Guest(body) => body.is_end_stream(),
            Kind::File(file) => file.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Guest(body) => body.size_hint(),
            Kind::File(file) => file.body.size_hint(),
        }
    }
}

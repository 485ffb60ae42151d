//! What is left of a request's body on HTTP/2 when its answer is complete: read on for a while, and thrown away, before the
//! last of the answer goes out; behind it where the answer is an error.
//!
//! Otherwise h2 resets the stream right behind the answer. RFC 9113 section 8.1 asks clients not to give the answer up for
//! that, but many do: those that read an answer when all is sent (httpx), and curl up to 7.88. Nor would it do to send all of
//! the answer before: curl then reads nothing more, and waits for ever for a window to send the rest in. On HTTP/1 the
//! socket reads on in the same way.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::track::activity::Activity;
use crate::track::timeouts::CloseOrder;
use crate::track::timeouts::Protocol;

/// How much is read on: as much as operators let apps take by default. It is kept nowhere.
const LEFTOVER_BYTES_MAX: u64 = 64 << 20;

/// For how long.
const LEFTOVER_TIME: Duration = Duration::from_secs(5);

/// How long nothing may come: who keeps a body open to hear the answer is not to wait for it much longer.
const LEFTOVER_SILENCE: Duration = Duration::from_secs(1);

/// How long a guest that is done may take to let the body go.
const DROP_TIME: Duration = Duration::from_millis(100);

/// A request's body, of which nothing is lost when it is dropped before its end.
pub struct KeptBody {
    /// There until it is dropped.
    body: Option<Incoming>,
    /// `None` where nothing need be kept: on HTTP/1, and of an empty body.
    shared: Option<Arc<Shared>>,
}

/// The answer's side: while it is there, the answer is on its way.
pub struct UnreadBody(Arc<Shared>);

struct Shared {
    /// Locked for an exchange, never across an await.
    stage: Mutex<Stage>,
    /// The stage is another one.
    changed: Notify,
    activity: Arc<Activity>,
    tracker: TaskTracker,
}

enum Stage {
    /// Somebody may be reading the body, and the answer is not out.
    Open,
    /// Nobody reads the rest of the body, and the answer is not out.
    Left(Incoming),
    /// It was read to its end.
    Read,
    /// The answer is out.
    Answered,
}

/// Wraps the body of a request that came on the connection of `activity`. What is read on is read on `tracker`.
pub fn keep(body: Incoming, activity: &Arc<Activity>, tracker: &TaskTracker) -> (KeptBody, Option<UnreadBody>) {
    if activity.protocol() == Protocol::Http1 || body.is_end_stream() {
        return (KeptBody { body: Some(body), shared: None }, None);
    }
    let shared = Arc::new(Shared {
        stage: Mutex::new(Stage::Open),
        changed: Notify::new(),
        activity: activity.clone(),
        tracker: tracker.clone(),
    });
    (KeptBody { body: Some(body), shared: Some(shared.clone()) }, Some(UnreadBody(shared)))
}

impl UnreadBody {
    /// Whether the visitor may still be sending.
    pub fn is_pending(&self) -> bool {
        matches!(*self.0.lock(), Stage::Open | Stage::Left(_))
    }

    /// Ends when the visitor has sent all, or has sent for long enough. Safe to drop.
    pub async fn settle(self) {
        let (shared, settled) = (&self.0, self.0.settled());
        tokio::select! {
            () = shared.activity.told(CloseOrder::Close) => {}
            _ = tokio::time::timeout(LEFTOVER_TIME, settled) => {}
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().expect("nothing panics while this lock is held")
    }

    fn enter(&self, stage: Stage) -> Stage {
        let before = std::mem::replace(&mut *self.lock(), stage);
        self.changed.notify_waiters();
        before
    }

    /// The body was read to its end, or broke off.
    fn end(&self) {
        self.enter(Stage::Read);
    }

    async fn settled(&self) {
        let changed = self.changed.notified();
        if matches!(*self.lock(), Stage::Open) {
            // Whoever has the body is about to drop it, if they do not read it.
            let _ = tokio::time::timeout(DROP_TIME, changed).await;
        }
        let left = {
            let mut stage = self.lock();
            match &*stage {
                Stage::Left(_) => std::mem::replace(&mut *stage, Stage::Answered),
                _ => return,
            }
        };
        if let Stage::Left(body) = left {
            throw_away(body).await;
        }
    }

    fn read_on(&self, body: Incoming) {
        let activity = self.activity.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = activity.told(CloseOrder::Close) => {}
                _ = tokio::time::timeout(LEFTOVER_TIME, throw_away(body)) => {}
            }
        });
    }
}

async fn throw_away(mut body: Incoming) {
    let mut left = LEFTOVER_BYTES_MAX;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(LEFTOVER_SILENCE, body.frame()).await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

impl Drop for KeptBody {
    fn drop(&mut self) {
        let (Some(shared), Some(body)) = (&self.shared, self.body.take()) else { return };
        if body.is_end_stream() {
            return shared.end();
        }
        let mut stage = shared.lock();
        match &*stage {
            Stage::Open => *stage = Stage::Left(body),
            Stage::Answered => shared.read_on(body),
            Stage::Left(_) | Stage::Read => {}
        }
        drop(stage);
        shared.changed.notify_waiters();
    }
}

impl Drop for UnreadBody {
    fn drop(&mut self) {
        if let Stage::Left(body) = self.0.enter(Stage::Answered) {
            self.0.read_on(body);
        }
    }
}

impl Body for KeptBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *body).poll_frame(cx);
        let has_ended = matches!(polled, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream();
        if has_ended && let Some(shared) = this.shared.take() {
            shared.end();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

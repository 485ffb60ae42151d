//! What is left of a request's body on HTTP/2 when the answer is out: read on for a while, and thrown away.
//!
//! Otherwise h2 resets the stream right behind the answer. RFC 9113 section 8.1 asks clients not to give the answer up for
//! that, but many do: those that look at the stream's end before its head (curl up to 7.88), and those that read an answer
//! when all is sent (httpx). On HTTP/1 the socket reads on in the same way.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;

use crate::serve::activity::Activity;
use crate::serve::overdue::Order;
use crate::serve::overdue::Protocol;

/// How much is read on. It is kept nowhere.
const LEFTOVER_BYTES_MAX: u64 = 16 << 20;

/// For how long.
const LEFTOVER_TIME: Duration = Duration::from_secs(5);

/// A request's body, of which nothing is lost when it is dropped before its end.
pub struct Kept {
    /// There until it is dropped.
    body: Option<Incoming>,
    /// `None` where nothing need be kept: on HTTP/1, and of an empty body.
    shared: Option<Arc<Shared>>,
}

/// The answer's side: while it is there, the answer is on its way.
pub struct Leftover(Arc<Shared>);

struct Shared {
    stage: Mutex<Stage>,
    activity: Arc<Activity>,
    tracker: TaskTracker,
}

enum Stage {
    /// Somebody may be reading the body, and the answer is not out.
    Open,
    /// Nobody reads the rest of the body, and the answer is not out.
    Left(Incoming),
    /// The answer is out.
    Answered,
}

/// Wraps the body of a request that came on the connection of `activity`. What is read on is read on `tracker`.
pub fn keep(body: Incoming, activity: &Arc<Activity>, tracker: &TaskTracker) -> (Kept, Option<Leftover>) {
    if activity.protocol() == Protocol::Http1 || body.is_end_stream() {
        return (Kept { body: Some(body), shared: None }, None);
    }
    let stage = Mutex::new(Stage::Open);
    let shared = Arc::new(Shared { stage, activity: activity.clone(), tracker: tracker.clone() });
    (Kept { body: Some(body), shared: Some(shared.clone()) }, Some(Leftover(shared)))
}

impl Shared {
    /// Enters the next stage; returns the one before.
    fn enter(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut self.stage.lock().expect("nothing panics while this lock is held"), stage)
    }

    fn read_on(&self, body: Incoming) {
        let activity = self.activity.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = activity.told(Order::Close) => {}
                _ = tokio::time::timeout(LEFTOVER_TIME, throw_away(body)) => {}
            }
        });
    }
}

async fn throw_away(mut body: Incoming) {
    let mut left = LEFTOVER_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let (Some(shared), Some(body)) = (&self.shared, self.body.take()) else { return };
        if body.is_end_stream() {
            return;
        }
        let mut stage = shared.stage.lock().expect("nothing panics while this lock is held");
        match &*stage {
            Stage::Answered => shared.read_on(body),
            Stage::Open | Stage::Left(_) => *stage = Stage::Left(body),
        }
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Stage::Left(body) = self.0.enter(Stage::Answered) {
            self.0.read_on(body);
        }
    }
}

impl Body for Kept {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

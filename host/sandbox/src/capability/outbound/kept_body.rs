//! The body of a request to the outside, which is read on when nobody else does: an engine whose body is not taken to its
//! end, since the request has failed or its answer came first, may give up over that (StarlingMonkey does).

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;

/// How long it is read on. What is read is dropped.
const READ_ON: Duration = Duration::from_secs(1);

/// A body that whoever sends it may drop.
pub(crate) struct KeptBody {
    /// Nothing at its end.
    body: Option<WasiBody>,
    tasks: TaskTracker,
}

impl KeptBody {
    /// What is left of it when it is dropped is read by one of `tasks`.
    pub(crate) fn new(body: WasiBody, tasks: TaskTracker) -> KeptBody {
        KeptBody { body: Some(body).filter(|body| !body.is_end_stream()), tasks }
    }
}

impl Drop for KeptBody {
    fn drop(&mut self) {
        if let (Some(mut body), Ok(runtime)) = (self.body.take(), Handle::try_current()) {
            let to_the_end = async move { while let Some(Ok(_)) = body.frame().await {} };
            self.tasks.spawn_on(tokio::time::timeout(READ_ON, to_the_end), &runtime);
        }
    }
}

impl Body for KeptBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = &polled {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_read_to_its_end_or_for_a_moment() {
        let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
        let pieces = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
        let frames = futures_util::StreamExt::map(pieces, |piece| Ok::<_, Error>(Frame::data(piece)));
        let tasks = TaskTracker::new();
        // Whoever sends it has given up.
        drop(KeptBody::new(StreamBody::new(frames).boxed_unsync(), tasks.clone()));
        for _ in 0..10 {
            sender.send(Bytes::from_static(b"x")).await.expect("it is read");
        }
        // It never ends, and time goes on.
        tasks.close();
        tasks.wait().await;
        assert!(sender.is_closed());
    }
}

//! The body of a request to the outside, which is read on when the request has failed: an engine whose body nobody reads
//! any more may give up before it asks how the request ended (StarlingMonkey does).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;

/// How long it is read on. What is read is dropped.
const READ_ON: Duration = Duration::from_secs(1);

/// A body that whoever sends it may drop. Clones are the same body.
#[derive(Clone)]
pub(crate) struct KeptBody(Arc<Mutex<WasiBody>>);

impl KeptBody {
    pub(crate) fn new(body: WasiBody) -> KeptBody {
        KeptBody(Arc::new(Mutex::new(body)))
    }

    /// Reads what the guest still sends, to its end or for a moment.
    pub(crate) async fn read_on(mut self) {
        let to_the_end = async { while let Some(Ok(_)) = self.frame().await {} };
        let _ = tokio::time::timeout(READ_ON, to_the_end).await;
    }

    fn lock(&self) -> MutexGuard<'_, WasiBody> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for KeptBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
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
        let kept = KeptBody::new(StreamBody::new(frames).boxed_unsync());
        // Whoever sends it has given up.
        drop(kept.clone());
        let reading = tokio::spawn(kept.read_on());
        for _ in 0..10 {
            sender.send(Bytes::from_static(b"x")).await.expect("it is read");
        }
        // It never ends, and time goes on.
        reading.await.unwrap();
        assert!(sender.is_closed());
    }
}

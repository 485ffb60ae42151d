//! What a guest writes of a body before it stands still, taken up where the guest runs.
//!
//! The visitor's task would see the head first, then a piece, then the end, and would be woken for each; a small response
//! would leave in as many writes.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;
use std::task::ready;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::sync::Notify;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;

/// A body that is complete within this many bytes is sent as one piece, with its length, and a guest that fails before
/// then can still be answered with an error.
pub(crate) const SMALL_BYTES_MAX: usize = 64 << 10;

/// An instance that is asked without a pause never comes to a stand: whoever waits for that waits for so many polls of the
/// instance, and at most for twice as many. A small response takes a few. While a sibling computes, wasmtime polls nobody
/// else in the instance, and so nobody's head leaves.
const POLLS_MAX: usize = 16;

/// Knows who waits for more of a body, and sees when all that an instance does has come to a stand.
pub(crate) struct Quiescence {
    /// How many wait.
    waiting: AtomicUsize,
    /// How often the instance was polled, and after which poll it stood still last.
    polls: AtomicUsize,
    stood: AtomicUsize,
    look: Notify,
    wakes: Arc<Wakes>,
    waker: Waker,
}

impl Quiescence {
    pub(crate) fn new() -> Quiescence {
        let wakes = Arc::new(Wakes { is_woken: AtomicBool::new(false), task: AtomicWaker::new() });
        Quiescence {
            waiting: AtomicUsize::new(0),
            polls: AtomicUsize::new(0),
            stood: AtomicUsize::new(0),
            look: Notify::new(),
            waker: Waker::from(wakes.clone()),
            wakes,
        }
    }

    /// Polls the instance's life. It has come to a stand when it has nothing to do that it could do at once, not already
    /// when one poll of it ends: whatever becomes ready late in a poll wakes it for another.
    pub(crate) fn watch<T>(&self, life: Pin<&mut impl Future<Output = T>>, context: &mut Context<'_>) -> Poll<T> {
        self.wakes.task.register(context.waker());
        self.wakes.is_woken.store(false, Ordering::SeqCst);
        let polled = life.poll(&mut Context::from_waker(&self.waker));
        let polls = self.polls.fetch_add(1, Ordering::SeqCst) + 1;
        let stands = polled.is_pending() && !self.wakes.is_woken.load(Ordering::SeqCst);
        if stands {
            self.stood.store(polls, Ordering::SeqCst);
        }
        if (stands || polls.is_multiple_of(POLLS_MAX)) && self.waiting.load(Ordering::SeqCst) > 0 {
            self.look.notify_waiters();
        }
        polled
    }

    /// A guest computes and only gives way to others: it is woken after the poll, which is no standstill.
    pub(crate) fn goes_on(&self) {
        self.wakes.is_woken.store(true, Ordering::SeqCst);
    }

    /// Takes of a response's body what comes until then; all of it, if it is small and nothing stands still.
    pub(crate) async fn read_ahead(&self, response: Response<WasiBody>) -> Response<WasiBody> {
        let (head, body) = response.into_parts();
        let mut read_ahead = ReadAhead { ready: VecDeque::new(), length: 0, ended: false, rest: body };
        let _counted = Counted::one_of(&self.waiting);
        let begun = self.polls.load(Ordering::SeqCst);
        loop {
            tokio::select! {
                biased;
                () = poll_fn(|context| read_ahead.poll_fill(context)) => break,
                () = self.look.notified() => {
                    let has_stood = self.stood.load(Ordering::SeqCst) > begun;
                    if has_stood || self.polls.load(Ordering::SeqCst) >= begun + POLLS_MAX {
                        break;
                    }
                }
            }
        }
        Response::from_parts(head, read_ahead.boxed_unsync())
    }
}

/// Passes wakes on, and remembers that there was one.
struct Wakes {
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Wakes {
    fn wake(self: Arc<Wakes>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Wakes>) {
        self.is_woken.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

/// Counts itself for as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

impl Counted<'_> {
    fn one_of(count: &AtomicUsize) -> Counted<'_> {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A body of which something was read before.
struct ReadAhead {
    ready: VecDeque<Result<Frame<Bytes>, Error>>,
    /// What was read ahead, in bytes.
    length: usize,
    /// Whether `rest` has nothing more.
    ended: bool,
    rest: WasiBody,
}

impl ReadAhead {
    /// Ready when the body is complete or broken, or no longer small.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.ended && self.length <= SMALL_BYTES_MAX {
            let next = ready!(Pin::new(&mut self.rest).poll_frame(context));
            match &next {
                Some(Ok(frame)) => self.length += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) | None => self.ended = true,
            }
            self.ready.extend(next);
        }
        Poll::Ready(())
    }
}

impl Body for ReadAhead {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.ready.pop_front() {
            Some(next) => Poll::Ready(Some(next)),
            None if self.ended => Poll::Ready(None),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && (self.ended || self.rest.is_end_stream())
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use futures_util::StreamExt;
    use futures_util::stream;
    use http_body_util::StreamBody;

    use super::*;

    /// A body with one piece, whose end does not come.
    fn begun() -> Response<WasiBody> {
        let first = stream::once(future::ready(Ok(Frame::data(Bytes::from_static(b"piece")))));
        Response::new(StreamBody::new(first.chain(stream::pending())).boxed_unsync())
    }

    /// How many polls it takes until the head goes ahead, of a life that wakes itself in each of them or in none.
    fn polls_until_handed_over(wakes: bool) -> usize {
        let quiescence = Quiescence::new();
        let mut life = Box::pin(async {
            let mut reading = Box::pin(quiescence.read_ahead(begun()));
            poll_fn(|context| {
                if wakes {
                    context.waker().wake_by_ref();
                }
                reading.as_mut().poll(context)
            })
            .await
        });
        let mut context = Context::from_waker(Waker::noop());
        let mut polls = 1;
        loop {
            match quiescence.watch(life.as_mut(), &mut context) {
                Poll::Pending => polls += 1,
                Poll::Ready(mut response) => {
                    let first = Pin::new(response.body_mut()).poll_frame(&mut context);
                    assert!(matches!(first, Poll::Ready(Some(Ok(frame))) if frame.data_ref().unwrap() == "piece"));
                    return polls;
                }
            }
        }
    }

    #[test]
    fn what_was_read_ahead_is_handed_over_when_nothing_goes_on() {
        assert_eq!(polls_until_handed_over(false), 2);
    }

    #[test]
    fn and_after_some_polls_when_something_always_does() {
        assert_eq!(polls_until_handed_over(true), POLLS_MAX + 1);
    }
}

//! A request's body on its way to a guest: bounded in length and in silence.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_sandbox::request::BodyError;
use guesthouse_sandbox::request::RequestBody;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use tokio::time::Instant;
use tokio::time::Sleep;

use crate::serve::activity::Activity;

/// How long a body may be, and how long it may say nothing.
#[derive(Clone, Copy, Debug)]
pub struct BodyBounds {
    /// Its length.
    pub bytes_max: u64,
    /// Between two pieces, while the guest waits for one.
    pub silence: Duration,
}

/// How a body ended: `None` while all is well.
#[derive(Clone, Default)]
pub struct Ending(Option<Arc<OnceLock<BodyError>>>);

impl Ending {
    /// The error that the guest was given, if it was.
    pub fn error(&self) -> Option<&BodyError> {
        self.0.as_ref()?.get()
    }
}

/// Bounds a body. An empty one costs nothing.
pub fn bound<B>(body: B, bounds: BodyBounds, activity: &Arc<Activity>) -> (RequestBody, Ending)
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: std::fmt::Display,
{
    if body.is_end_stream() {
        return (Empty::new().map_err(|never| match never {}).boxed_unsync(), Ending::default());
    }
    let ending = Arc::new(OnceLock::new());
    let bounded = Bounded {
        body,
        bounds,
        left: bounds.bytes_max,
        silence: None,
        is_silent: false,
        ended: false,
        ending: ending.clone(),
        activity: activity.clone(),
    };
    (bounded.boxed_unsync(), Ending(Some(ending)))
}

struct Bounded<B> {
    body: B,
    bounds: BodyBounds,
    left: u64,
    /// Made when it is first needed, then set again.
    silence: Option<Pin<Box<Sleep>>>,
    is_silent: bool,
    ended: bool,
    ending: Arc<OnceLock<BodyError>>,
    activity: Arc<Activity>,
}

impl<B> Bounded<B> {
    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.ended = true;
        let error = self.ending.get_or_init(|| error).clone();
        Poll::Ready(Some(Err(error)))
    }

    fn is_silent_too_long(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = || Instant::now() + self.bounds.silence;
        let silence = match &mut self.silence {
            Some(silence) => {
                if !self.is_silent {
                    silence.as_mut().reset(deadline());
                }
                silence
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(deadline()))),
        };
        self.is_silent = true;
        silence.as_mut().poll(cx).is_ready()
    }
}

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            let polled = Pin::new(&mut this.body).poll_frame(cx);
            let Poll::Ready(frame) = polled else {
                if this.is_silent_too_long(cx) {
                    return this.fail(BodyError::Silent(this.bounds.silence));
                }
                return Poll::Pending;
            };
            this.is_silent = false;
            match frame {
                None => {
                    this.ended = true;
                    this.activity.read_whole();
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return this.fail(BodyError::Broken(error.to_string())),
                Some(Ok(frame)) => {
                    // Trailers are dropped: they could carry what was taken out of the head.
                    let Ok(data) = frame.into_data() else { continue };
                    match this.left.checked_sub(data.len() as u64) {
                        Some(left) => this.left = left,
                        None => return this.fail(BodyError::TooLarge { bytes_max: this.bounds.bytes_max }),
                    }
                    if this.body.is_end_stream() {
                        this.activity.read_whole();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tokio::sync::mpsc;

    use super::*;
    use crate::serve::clock::Clock;

    const BOUNDS: BodyBounds = BodyBounds { bytes_max: 10, silence: Duration::from_secs(30) };

    /// A body whose pieces are sent by the test.
    struct Pieces(mpsc::Receiver<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        }
    }

    fn activity() -> Arc<Activity> {
        Arc::new(Activity::new(Clock::start()))
    }

    async fn check(sent: &'static str, expected: Result<&str, &str>) {
        let (body, ending) = bound(Full::new(Bytes::from_static(sent.as_bytes())), BOUNDS, &activity());
        let found = body.collect().await.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string());
        let expected = expected.map(|text| Bytes::copy_from_slice(text.as_bytes())).map_err(str::to_owned);
        assert_eq!(ending.error().map(ToString::to_string), expected.as_ref().err().cloned());
        assert_eq!(found, expected, "{sent}");
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_length() {
        check("", Ok("")).await;
        check("0123456789", Ok("0123456789")).await;
        check("0123456789a", Err("longer than 10 bytes")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_bounded_in_silence() {
        let (sender, pieces) = mpsc::channel(1);
        let (mut body, ending) = bound(Pieces(pieces), BOUNDS, &activity());
        for _ in 0..3 {
            let send = async {
                tokio::time::sleep(Duration::from_secs(29)).await;
                sender.send(Bytes::from_static(b"x")).await.unwrap();
            };
            let (_, frame) = tokio::join!(send, body.frame());
            assert!(frame.unwrap().is_ok());
        }
        assert!(ending.error().is_none());
        let begun = Instant::now();
        assert!(matches!(body.frame().await, Some(Err(BodyError::Silent(_)))));
        assert_eq!(begun.elapsed().as_secs(), 30);
        assert!(matches!(ending.error(), Some(BodyError::Silent(_))));
        assert!(body.frame().await.is_none());
    }
}

//! A request's body on its way to a guest: bounded in length, in silence, and in slowness.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_app::places::pace::Pace;
use guesthouse_app::places::pace::Way;
use guesthouse_sandbox::request::BodyError;
use guesthouse_sandbox::request::RequestBody;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use tokio::time::Instant;
use tokio::time::Sleep;

use crate::track::activity::Activity;

/// How long a body may be, and how long it may say nothing.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Its length.
    pub bytes_max: u64,
    /// Between two pieces, while the guest waits for one.
    pub silence: Duration,
    /// So many bytes a second must come in all the time that the guest waits, but for a `silence` at the beginning. 0 asks
    /// for nothing.
    pub rate_min: u64,
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
pub fn bound<B>(body: B, bounds: BodyLimits, activity: &Arc<Activity>, pace: &Arc<Pace>) -> (RequestBody, Ending)
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: std::fmt::Display,
{
    if body.is_end_stream() {
        return (Empty::new().map_err(|never| match never {}).boxed_unsync(), Ending::default());
    }
    let ending = Arc::new(OnceLock::new());
    let bounded = LimitedBody {
        body,
        bounds,
        left: bounds.bytes_max,
        silence: None,
        waiting_since: None,
        waited: Duration::ZERO,
        ended: false,
        ending: ending.clone(),
        activity: activity.clone(),
        pace: pace.clone(),
    };
    (bounded.boxed_unsync(), Ending(Some(ending)))
}

struct LimitedBody<B> {
    body: B,
    bounds: BodyLimits,
    left: u64,
    /// Made when it is first needed, then set again.
    silence: Option<Pin<Box<Sleep>>>,
    /// Since when the guest waits for a piece, if it does.
    waiting_since: Option<Instant>,
    /// How long it waited for those before.
    waited: Duration,
    ended: bool,
    ending: Arc<OnceLock<BodyError>>,
    activity: Arc<Activity>,
    pace: Arc<Pace>,
}

impl<B> LimitedBody<B> {
    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.ended = true;
        let error = self.ending.get_or_init(|| error).clone();
        Poll::Ready(Some(Err(error)))
    }

    /// Why there is no more waiting for the next piece, if there is none.
    fn has_waited_too_long(&mut self, cx: &mut Context<'_>) -> Option<BodyError> {
        let patience = self.patience();
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            match &mut self.silence {
                Some(silence) => silence.as_mut().reset(now + patience),
                none => *none = Some(Box::pin(tokio::time::sleep_until(now + patience))),
            }
        }
        let silence = self.silence.as_mut()?;
        if silence.as_mut().poll(cx).is_pending() {
            return None;
        }
        Some(match patience < self.bounds.silence {
            true => BodyError::Slow { rate_min: self.bounds.rate_min },
            false => BodyError::Silent(self.bounds.silence),
        })
    }

    /// How long to wait for the next piece. A `silence` is given; whoever took more of it must have brought as much in return.
    fn patience(&self) -> Duration {
        let received = self.bounds.bytes_max - self.left;
        let earned = match self.bounds.rate_min {
            0 => Duration::MAX,
            rate => Duration::from_secs_f64(received as f64 / rate as f64),
        };
        self.bounds.silence.saturating_add(earned).saturating_sub(self.waited).min(self.bounds.silence)
    }

    fn has_come(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
    }
}

impl<B> Body for LimitedBody<B>
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
                this.pace.waits(Way::In);
                match this.has_waited_too_long(cx) {
                    Some(error) => return this.fail(error),
                    None => return Poll::Pending,
                }
            };
            this.has_come();
            let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
            this.pace.moved(Way::In, bytes as u64);
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
    use crate::track::clock::Clock;
    use guesthouse_app::places::pace::Visitor;

    const BOUNDS: BodyLimits = BodyLimits { bytes_max: 10, silence: Duration::from_secs(30), rate_min: 0 };

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

    fn pace() -> Arc<Pace> {
        Arc::new(Pace::new(Visitor::of(None)))
    }

    fn activity() -> Arc<Activity> {
        Arc::new(Activity::new(Clock::start()))
    }

    async fn check(sent: &'static str, expected: Result<&str, &str>) {
        let (body, ending) = bound(Full::new(Bytes::from_static(sent.as_bytes())), BOUNDS, &activity(), &pace());
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
        let (mut body, ending) = bound(Pieces(pieces), BOUNDS, &activity(), &pace());
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

    /// Sends `pieces` of 1,000 bytes, one every ten seconds, and returns after how many seconds the body failed.
    async fn slow(rate_min: u64, pieces: usize) -> Option<u64> {
        let (sender, received) = mpsc::channel(1);
        let bounds = BodyLimits { bytes_max: 1 << 20, rate_min, ..BOUNDS };
        let (mut body, _) = bound(Pieces(received), bounds, &activity(), &pace());
        let begun = Instant::now();
        let sending = async {
            for _ in 0..pieces {
                tokio::time::sleep(Duration::from_secs(10)).await;
                // Nobody may be reading any more.
                let _ = sender.send(Bytes::from_static(&[b'x'; 1000])).await;
            }
            drop(sender);
        };
        let reading = async move {
            loop {
                match body.frame().await {
                    None => return None,
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        assert!(matches!(error, BodyError::Slow { .. }), "{error}");
                        return Some(begun.elapsed().as_secs());
                    }
                }
            }
        };
        tokio::join!(sending, reading).1
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_and_a_slow_one_is_not() {
        assert_eq!(slow(100, 50).await, None, "exactly the rate");
        assert_eq!(slow(0, 50).await, None, "no rate is asked for");
        // After 30 s three pieces have come, which are worth 2 s each: with the 30 s that are given, 36 in all.
        assert_eq!(slow(500, 50).await, Some(36), "a fifth of the rate");
    }
}

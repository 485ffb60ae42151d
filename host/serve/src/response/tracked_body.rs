//! The body of a response: counts what goes out, and never lets a short body look whole.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use guesthouse_app::app::AppBody;
use guesthouse_app::app::Broken;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

use crate::access_log::BodyEnd;
use crate::access_log::Record;
use crate::access_log::log_broken;
use crate::dev_pages::OverlaidBody;
use crate::response::declared_length::DeclaredLength;
use crate::response::encoded::Encoded;
use crate::track::activity::Stream;
use crate::track::timeouts::CloseOrder;
use crate::track::timeouts::Protocol;
use crate::track::unread_body::UnreadBody;

/// A response's body with the request's record. An error makes hyper cut the connection (HTTP/1) or reset the stream
/// (HTTP/2). Dropping it ends the guest that still writes it.
pub struct TrackedBody {
    source: Source,
    record: Record,
    /// What is still to come on the wire.
    declared_length: DeclaredLength,
    /// From the first piece of a body in several pieces.
    stream: Option<Stream>,
    /// All is out but the last.
    held: Option<Guards>,
}

/// The last of an answer, which waits.
struct Guards {
    last: Option<Frame<Bytes>>,
    until: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Where a body comes from.
pub enum Source {
    /// From us, or from nobody: in one piece.
    Page(Option<Bytes>),
    /// From an app.
    App(AppBody),
    /// From an app, compressed.
    Encoded(Box<Encoded<AppBody>>),
    /// From an app, with something of `dev` over it.
    Overlaid(OverlaidBody),
}

impl TrackedBody {
    /// Wraps a body. `declared_length` knows its length, where the head tells it and the source does not.
    pub fn new(source: Source, mut record: Record, declared_length: DeclaredLength) -> TrackedBody {
        if declared_length.is_none() && source.is_end() {
            record.end = BodyEnd::Whole;
        }
        TrackedBody { source, record, declared_length, stream: None, held: None }
    }

    fn hand_over(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Broken> {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.declared_length.count(length)?;
        self.record.bytes += length;
        // On HTTP/1 hyper cuts the body off by itself where its promised end is.
        if self.declared_length.is_kept() || (self.declared_length.is_none() && self.source.is_end()) {
            self.record.end = BodyEnd::Whole;
        }
        let activity = &self.record.busy.activity;
        if self.stream.is_none() && (self.record.end != BodyEnd::Whole || activity.protocol() == Protocol::Http2) {
            self.stream = Some(activity.stream());
            self.let_go_when_ended();
        }
        if let Some(stream) = &self.stream {
            stream.handed();
        }
        Ok(frame)
    }

    /// What was handed over already is out of our reach: where it keeps something from others, the connection goes with it.
    /// A guest is gone without that, and its stream on HTTP/2 is reset when it is looked at next.
    fn let_go_when_ended(&self) {
        let activity = &self.record.busy.activity;
        let is_file = matches!(&self.source, Source::App(body) if body.is_file());
        if let Some(pace) = &self.record.pace
            && (is_file || activity.protocol() == Protocol::Http1)
        {
            let activity = activity.clone();
            pace.when_ended(move || activity.order(CloseOrder::Cut));
        }
    }

    fn end(&mut self) -> Option<Result<Frame<Bytes>, Broken>> {
        match self.declared_length.end() {
            Ok(()) => {
                self.record.end = BodyEnd::Whole;
                None
            }
            Err(fault) => Some(Err(self.fail(fault.into()))),
        }
    }

    /// Whether the visitor may still be sending, and would miss the answer. Not where it is an error: then clients stop
    /// sending by themselves, and curl ends its stream too early for the last to come behind.
    fn has_to_wait(&self) -> bool {
        let is_error = self.record.status.is_some_and(|status| status.is_client_error() || status.is_server_error());
        !is_error && self.record.unread_body.as_ref().is_some_and(UnreadBody::is_pending)
    }

    /// The rest of the request's body, if the answer is nothing but its head, and that has to wait for it.
    pub fn holds_up_head(&mut self) -> Option<UnreadBody> {
        if self.has_to_wait() && self.source.is_end() { self.record.unread_body.take() } else { None }
    }

    /// The last of the answer: a frame, or nothing but its end. It waits until the visitor has sent the request's body.
    fn hold(&mut self, last: Option<Frame<Bytes>>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.has_to_wait()
            && let Some(unread_body) = self.record.unread_body.take()
        {
            if self.source.is_end() {
                // A guest that is done does not wait with us.
                self.source = Source::Page(None);
            }
            self.held = Some(Guards { last, until: Box::pin(unread_body.settle()) });
            return self.poll_held(cx);
        }
        Poll::Ready(last.map(Ok))
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(held) = &mut self.held {
            ready!(held.until.as_mut().poll(cx));
        }
        Poll::Ready(self.held.take().and_then(|held| held.last).map(Ok))
    }

    fn fail(&mut self, broken: Broken) -> Broken {
        self.record.end = BodyEnd::Failed;
        log_broken(&self.record, &broken);
        broken
    }
}

impl Source {
    fn is_end(&self) -> bool {
        match self {
            Source::Page(page) => page.is_none(),
            Source::App(body) => body.is_end_stream(),
            Source::Encoded(body) => body.is_end_stream(),
            Source::Overlaid(body) => body.is_end_stream(),
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        if this.held.is_some() {
            return this.poll_held(cx);
        }
        if let Some(stream) = &this.stream {
            stream.asked();
        }
        let polled = match &mut this.source {
            Source::Page(page) => Poll::Ready(page.take().map(|page| Ok(Frame::data(page)))),
            Source::App(body) => Pin::new(body).poll_frame(cx),
            Source::Encoded(body) => Pin::new(&mut **body).poll_frame(cx),
            Source::Overlaid(body) => body.as_mut().poll_frame(cx),
        };
        match ready!(polled) {
            Some(Ok(frame)) => match this.hand_over(frame) {
                Ok(frame) if this.record.end == BodyEnd::Whole => this.hold(Some(frame), cx),
                Ok(frame) => Poll::Ready(Some(Ok(frame))),
                Err(broken) => Poll::Ready(Some(Err(this.fail(broken)))),
            },
            Some(Err(broken)) => Poll::Ready(Some(Err(this.fail(broken)))),
            None => match this.end() {
                Some(broken) => Poll::Ready(Some(broken)),
                None => this.hold(None, cx),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        // A promise that was not kept is found out only by asking once more.
        !self.declared_length.is_open() && self.source.is_end() && self.held.is_none() && !self.has_to_wait()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Page(page) => SizeHint::with_exact(page.as_ref().map_or(0, |page| page.len() as u64)),
            Source::App(body) => body.size_hint(),
            Source::Encoded(body) => body.size_hint(),
            Source::Overlaid(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;
    use http::Uri;
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::track::activity::Activity;
    use crate::track::activity::Busy;
    use crate::track::clock::Clock;

    async fn check(sent: Option<&'static str>, promised: Option<u64>, expected: Result<&str, &str>) {
        let activity = Arc::new(Activity::new(Clock::start()));
        let record = Record::begin("x-1".into(), &Method::GET, &Uri::from_static("/"), Busy::begin(activity));
        let page = sent.map(|text| Bytes::from_static(text.as_bytes()));
        let mut body = TrackedBody::new(Source::Page(page), record, DeclaredLength::new(promised));
        let found = body.frame().await;
        let found = match (found, body.frame().await) {
            (Some(Err(fault)), _) | (_, Some(Err(fault))) => Err(fault.to_string()),
            (Some(Ok(frame)), None) => Ok(String::from_utf8(frame.into_data().unwrap().into()).unwrap()),
            (None, None) => Ok(String::new()),
            _ => panic!("too many frames"),
        };
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
        assert_eq!(body.record.end, if expected.is_ok() { BodyEnd::Whole } else { BodyEnd::Failed });
    }

    #[tokio::test]
    async fn a_short_body_never_looks_whole() {
        const INVALID: &str = "the guest's response is not valid: its body";
        check(None, None, Ok("")).await;
        check(Some("12345"), None, Ok("12345")).await;
        check(Some("12345"), Some(5), Ok("12345")).await;
        check(Some("12345"), Some(6), Err(&format!("{INVALID} ends 1 bytes before its content-length"))).await;
        check(None, Some(1), Err(&format!("{INVALID} ends 1 bytes before its content-length"))).await;
        check(Some("12345"), Some(4), Err(&format!("{INVALID} is longer than its content-length"))).await;
    }
}

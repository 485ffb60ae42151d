//! The end of an app's page, where something is put.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_RANGE;
use http::header::CONTENT_TYPE;
use http::header::ETAG;
use http::header::LAST_MODIFIED;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

/// Whether something can stand at the end of a body with these fields: HTML that nobody has compressed, and no part of it.
pub fn is_page(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_changed = [CONTENT_ENCODING, CONTENT_RANGE].iter().any(|name| headers.contains_key(name));
    media_type.eq_ignore_ascii_case("text/html") && !is_changed
}

/// Has no cache keep the page: what was put at its end is of this moment.
pub fn not_kept(headers: &mut HeaderMap) {
    headers.remove(ETAG);
    headers.remove(LAST_MODIFIED);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// A body, and something after it. When the body breaks off, so does this one.
pub struct Ended<B> {
    body: B,
    end: Option<Bytes>,
}

impl<B> Ended<B> {
    /// Adds `end` to `body`.
    pub fn new(body: B, end: Bytes) -> Ended<B> {
        Ended { body, end: Some(end) }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Ended<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        while self.end.is_some() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                // Trailers would come before the end, and a page has none.
                Some(Ok(frame)) if frame.is_trailers() => {}
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => {
                    self.end = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => break,
            }
        }
        Poll::Ready(self.end.take().map(|end| Ok(Frame::data(end))))
    }

    fn is_end_stream(&self) -> bool {
        self.end.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let end = self.end.as_ref().map_or(0, |end| end.len() as u64);
        self.body.size_hint().exact().map_or_else(SizeHint::default, |body| SizeHint::with_exact(body + end))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use http_body_util::Full;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn what_is_added_comes_last() {
        let ended = Ended::new(Full::new(Bytes::from_static(b"<p>page")), Bytes::from_static(b"end"));
        assert_eq!(ended.size_hint().exact(), Some(10));
        assert_eq!(ended.collect().await.unwrap().to_bytes(), "<p>pageend");
    }

    #[tokio::test]
    async fn what_breaks_off_has_no_end() {
        let frames = [Ok(Frame::data(Bytes::from_static(b"half"))), Err("broken")];
        let mut ended = Ended::new(StreamBody::new(futures_util::stream::iter(frames)), Bytes::from_static(b"end"));
        assert_eq!(ended.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        assert_eq!(ended.frame().await.unwrap().unwrap_err(), "broken");
        assert!(ended.frame().await.is_none() && ended.is_end_stream());
    }

    #[test]
    fn only_plain_html_is_a_page() {
        for (media_type, encoding, expected) in [
            ("text/html", None, true),
            ("Text/HTML; charset=utf-8", None, true),
            ("text/html", Some("br"), false),
            ("application/json", None, false),
        ] {
            let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
            headers.extend(encoding.map(|coding| (CONTENT_ENCODING, HeaderValue::from_static(coding))));
            assert_eq!(is_page(&headers), expected, "{media_type} {encoding:?}");
        }
    }
}

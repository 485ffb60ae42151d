//! The note at the end of an app's page: the source does not build, and this is what was built before.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use guesthouse_serve::pages::Escaped;
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

/// What is added to a page of `app` while its source does not build, and why. A dialog needs no style to lie above the page,
/// and no script to be closed: the app's own policy may forbid both.
pub fn note_of(app: &str, why: &str) -> String {
    format!(
        "\n<dialog open style=\"position:fixed;inset:1rem 1rem auto;z-index:2147483647;max-height:70vh;overflow:auto\">\
         <form method=\"dialog\"><b>The source of `{}` does not build.</b> This page is of what was built before. \
         <button>Close</button></form><pre>{}</pre></dialog>\n",
        Escaped(app),
        Escaped(why)
    )
}

/// Whether a note can stand at the end of a body with these fields: HTML that nobody has compressed, and no part of it.
pub fn is_page(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_changed = [CONTENT_ENCODING, CONTENT_RANGE].iter().any(|name| headers.contains_key(name));
    media_type.eq_ignore_ascii_case("text/html") && !is_changed
}

/// Has no cache keep the page with its note.
pub fn not_kept(headers: &mut HeaderMap) {
    headers.remove(ETAG);
    headers.remove(LAST_MODIFIED);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// A body, and a note after it. When the body breaks off, so does this one.
pub struct Noted<B> {
    body: B,
    note: Option<Bytes>,
}

impl<B> Noted<B> {
    /// Adds `note` to `body`.
    pub fn new(body: B, note: Bytes) -> Noted<B> {
        Noted { body, note: Some(note) }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Noted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        while self.note.is_some() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                // Trailers would come before the note, and a page has none.
                Some(Ok(frame)) if frame.is_trailers() => {}
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => {
                    self.note = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => break,
            }
        }
        Poll::Ready(self.note.take().map(|note| Ok(Frame::data(note))))
    }

    fn is_end_stream(&self) -> bool {
        self.note.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let note = self.note.as_ref().map_or(0, |note| note.len() as u64);
        self.body.size_hint().exact().map_or_else(SizeHint::default, |body| SizeHint::with_exact(body + note))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use http_body_util::Full;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn the_note_comes_last() {
        let noted = Noted::new(Full::new(Bytes::from_static(b"<p>page")), Bytes::from_static(b"note"));
        assert_eq!(noted.size_hint().exact(), Some(11));
        assert_eq!(noted.collect().await.unwrap().to_bytes(), "<p>pagenote");
    }

    #[tokio::test]
    async fn what_breaks_off_has_no_note() {
        let frames = [Ok(Frame::data(Bytes::from_static(b"half"))), Err("broken")];
        let mut noted = Noted::new(StreamBody::new(futures_util::stream::iter(frames)), Bytes::from_static(b"note"));
        assert_eq!(noted.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        assert_eq!(noted.frame().await.unwrap().unwrap_err(), "broken");
        assert!(noted.frame().await.is_none() && noted.is_end_stream());
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

//! The page of what an app raised: its answer says so by a field, with the traceback for a body.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use guesthouse_app::app::AppBody;
use guesthouse_app::app::Broken;
use guesthouse_serve::dev_pages::OverlaidBody;
use guesthouse_serve::pages::Format;
use guesthouse_serve::pages::Page;
use guesthouse_types::name::AppName;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::header::CONTENT_SECURITY_POLICY;
use http::header::CONTENT_TYPE;
use http_body::Body as _;
use http_body::Frame;
use http_body_util::StreamBody;

use crate::dev::failure::Failure;
use crate::dev::failure::Places;
use crate::dev::failure::Stage;

/// What the SDK marks such an answer with (`sdk/python/guesthouse/failure.py`).
pub const RAISED: HeaderName = HeaderName::from_static("x-guesthouse-raised");

/// Of a traceback, as much as an SDK sends.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// Makes the fields of an answer those of the page.
pub fn of_page(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Format::Html.media_type()));
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
}

/// The page about what stands in `body`, with `end` after it.
pub fn page(body: AppBody, name: AppName, places: Places, id: Arc<str>, end: String) -> OverlaidBody {
    let whole = async move {
        let text = text_of(body).await?;
        Ok(Frame::data(Bytes::from(rendered(&text, &name, &places, &id) + &end)))
    };
    Box::pin(StreamBody::new(stream::once(whole)))
}

fn rendered(text: &str, name: &AppName, places: &Places, id: &str) -> String {
    let (first, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let happened = format!("`{name}` raised {}.", first.trim());
    let mut page = Page::about(StatusCode::INTERNAL_SERVER_ERROR, happened);
    page.advice = "The log has it too, under the id below.".to_owned();
    if !rest.is_empty() {
        let failure = Failure::of(Stage::Import, rest, places);
        (page.details, page.marked) = (Some(failure.text), Some(failure.html));
    }
    page.render(Format::Html, id)
}

async fn text_of(mut body: AppBody) -> Result<String, Broken> {
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = TEXT_BYTES_MAX - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(room)]);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::editor::Editor;

    #[test]
    fn what_was_raised_comes_first_and_nothing_gets_out_of_its_place() {
        let places = Places { editor: Editor::Off, ..Places::default() };
        let name = AppName::parse("shop").unwrap();
        let text = "KeyError: '<b>' (app.py, line 3)\n\nTraceback (most recent call last):\n  <script>\n";
        let html = rendered(text, &name, &places, "x-1");
        assert!(html.contains("raised KeyError: &#39;&lt;b&gt;&#39; (app.py, line 3)."), "{html}");
        assert!(html.contains("<pre>Traceback (most recent call last):\n  &lt;script&gt;\n</pre>"), "{html}");
        assert!(html.contains("request <code>x-1</code>"), "{html}");
    }
}

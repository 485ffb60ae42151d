//! The stream of events (HTML Living Standard section 9.2) that tells a page of an app that the app has changed.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use guesthouse_serve::dev_pages::OverlaidBody;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio_util::sync::CancellationToken;

use crate::dev::changes::Changes;

/// What stands below it is of `dev`. No app's name has an underscore, so that no app is mounted there.
pub const PREFIX: &str = "/_guesthouse/";

/// Where a page listens.
pub const CHANGES: &str = "/_guesthouse/changes";

/// A reader who went away is found out about when something is written.
const ALIVE: Duration = Duration::from_secs(15);

/// What a reader is told at first: to come back soon when the stream breaks off, as it does when `dev` is started anew.
const COME_BACK: &str = "retry: 500\n\n";

enum Step {
    Begin,
    Wait,
    End,
}

/// Tells once that `app`, or any if none is named, has changed after the change `since`, and ends; or ends with `stop`.
pub fn events(changes: Changes, app: Option<String>, since: u64, stop: CancellationToken) -> Response<OverlaidBody> {
    let steps = stream::unfold(Step::Begin, move |step| {
        let (changes, app, stop) = (changes.clone(), app.clone(), stop.clone());
        async move {
            match step {
                Step::Begin => Some((COME_BACK, Step::Wait)),
                Step::Wait => tokio::select! {
                    biased;
                    () = stop.cancelled() => None,
                    () = changes.after(app.as_deref(), since) => Some(("data: changed\n\n", Step::End)),
                    () = tokio::time::sleep(ALIVE) => Some((":\n\n", Step::Wait)),
                },
                Step::End => None,
            }
        }
    });
    let frames = steps.map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
    let mut response = Response::new(Box::pin(StreamBody::new(frames)) as OverlaidBody);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer to whatever else is asked for below [`PREFIX`].
pub fn nothing() -> Response<OverlaidBody> {
    let mut response = Response::new(Box::pin(StreamBody::new(stream::empty())) as OverlaidBody);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn text(body: &mut OverlaidBody) -> Option<Bytes> {
        Some(body.frame().await?.unwrap().into_data().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn one_change_is_told_and_a_stop_ends_it() {
        let (changes, stop) = (Changes::default(), CancellationToken::new());
        let begin = || events(changes.clone(), Some("shop".to_owned()), changes.newest(), stop.clone()).into_body();
        let mut body = begin();
        assert_eq!(text(&mut body).await.unwrap(), COME_BACK);
        assert_eq!(text(&mut body).await.unwrap(), ":\n\n", "nothing but that somebody is there");
        changes.note("shop");
        assert_eq!(text(&mut body).await.unwrap(), "data: changed\n\n");
        assert_eq!(text(&mut body).await, None);
        let mut body = begin();
        assert_eq!(text(&mut body).await.unwrap(), COME_BACK);
        stop.cancel();
        assert_eq!(text(&mut body).await, None);
    }
}

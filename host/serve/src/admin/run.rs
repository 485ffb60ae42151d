//! `POST /v1/apps/NAME/run?arguments=…`: runs one command of an app's own. The request's body is what the command reads, the
//! response's is what it says, in frames.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use guesthouse_app::app::App;
use guesthouse_app::app::InFlight;
use guesthouse_app::command::Typed;
use guesthouse_app::command::execute;
use guesthouse_app::percent::octet;
use guesthouse_app::routes::RouteReader;
use guesthouse_app::routes::Target;
use http::Request;
use http::Response;
use http::StatusCode;
use http_body::Frame;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;
use tokio_util::task::TaskTracker;

use crate::admin::frames::encode;

/// The body of an answer on the admin socket.
pub type AdminBody = UnsyncBoxBody<Bytes, Infallible>;

const BEFORE: &str = "/v1/apps/";
const AFTER: &str = "/run";

/// The target of a request that runs `arguments` in `app`.
pub fn target(app: &str, arguments: &[String], is_terminal: bool) -> String {
    let mut target = format!("{BEFORE}{}{AFTER}?terminal={}&arguments=", escaped(app), u8::from(is_terminal));
    // No argument has a NUL in it (execve(2)).
    target.push_str(&escaped(&arguments.join("\0")));
    target
}

/// The app that a path names, if it is one of these.
pub fn app_of(path: &str) -> Option<String> {
    unescaped(path.strip_prefix(BEFORE)?.strip_suffix(AFTER)?)
}

/// Begins the command that `request` asks for. It goes on in `tasks`, and ends when nobody reads the response any more.
pub fn run(request: Request<Incoming>, name: &str, routes: &RouteReader, tasks: &TaskTracker) -> Response<AdminBody> {
    let query = request.uri().query().unwrap_or_default();
    let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let Some(arguments) = value("arguments").and_then(unescaped).filter(|words| !words.is_empty()) else {
        let why = "say what to run: ?arguments=WORD%00WORD".to_owned();
        return refused(StatusCode::BAD_REQUEST, why, request.into_body(), tasks);
    };
    let is_terminal = value("terminal") == Some("1");
    let (app, in_flight) = match find(name, routes) {
        Ok(found) => found,
        Err((status, why)) => return refused(status, why, request.into_body(), tasks),
    };
    let (typing, pieces) = mpsc::channel(1);
    let pieces = stream::unfold(pieces, |mut pieces: mpsc::Receiver<_>| async { Some((pieces.recv().await?, pieces)) });
    let stdin = Box::new(StreamReader::new(Box::pin(pieces)));
    let typed = Typed { arguments: arguments.split('\0').map(str::to_owned).collect(), stdin, is_terminal };
    let (work, frames) = execute(app, in_flight, typed);
    let typing = pass(request.into_body(), Some(typing));
    tasks.spawn(async { tokio::join!(work, typing) });
    let frames = stream::unfold(frames, |mut frames| async {
        let frame = frames.recv().await?;
        Some((Ok(Frame::data(encode(&frame))), frames))
    });
    Response::new(StreamBody::new(frames).boxed_unsync())
}

/// Why nothing is run.
pub fn refused(status: StatusCode, why: String, body: Incoming, tasks: &TaskTracker) -> Response<AdminBody> {
    tasks.spawn(pass(body, None));
    text(status, format!("{why}\n"))
}

/// Passes on what is sent, and takes the rest when nobody wants it any more, until its sender has read the answer and
/// leaves: one that is cut off while it writes reads none.
async fn pass(mut body: Incoming, mut to: Option<mpsc::Sender<io::Result<Bytes>>>) {
    while let Some(frame) = body.frame().await {
        let failed = frame.is_err();
        let data = frame.map_err(io::Error::other).map(|frame| frame.into_data().unwrap_or_default());
        if let Some(sender) = &to
            && sender.send(data).await.is_err()
        {
            to = None;
        }
        if failed {
            break;
        }
    }
}

/// An answer of one text.
pub fn text(status: StatusCode, text: String) -> Response<AdminBody> {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn find(name: &str, routes: &RouteReader) -> Result<(Arc<App>, InFlight), (StatusCode, String)> {
    // A revision that was replaced between the two looks has a successor in the table.
    for _ in 0..2 {
        let table = routes.snapshot();
        let entry = table.entries().iter().find(|entry| entry.name.as_str() == name);
        let app = match entry.map(|entry| &entry.target) {
            Some(Target::Live(app)) => app.clone(),
            Some(Target::Waiting(why) | Target::Refused(why)) => {
                return Err((StatusCode::SERVICE_UNAVAILABLE, format!("`{name}` does not serve: {why}")));
            }
            None => {
                let names = known(table.entries().iter().map(|entry| entry.name.as_str()));
                return Err((StatusCode::NOT_FOUND, format!("there is no app `{name}`{names}")));
            }
        };
        if let Some(in_flight) = app.enter() {
            return Ok((app, in_flight));
        }
    }
    Err((StatusCode::SERVICE_UNAVAILABLE, format!("`{name}` is being replaced: try again")))
}

fn known<'names>(names: impl Iterator<Item = &'names str>) -> String {
    const SHOWN_MAX: usize = 10;
    let names: Vec<String> = names.take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!(": there are {}", names.join(", ")) }
}

/// All but the unreserved characters of RFC 3986 section 2.3 and `/`, percent-encoded.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescaped(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>()?;
                bytes.push(octet(digits)?);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_arrives() {
        let arguments = ["manage.py".to_owned(), "a b&c=d%".to_owned(), String::new(), "ü\n".to_owned()];
        let target = target("teams/shop", &arguments, true);
        let (path, query) = target.split_once('?').unwrap();
        assert_eq!(app_of(path).as_deref(), Some("teams/shop"));
        let (terminal, sent) = query.split_once("&arguments=").unwrap();
        assert_eq!(terminal, "terminal=1");
        let arrived = unescaped(sent).unwrap();
        assert_eq!(arrived.split('\0').collect::<Vec<_>>(), arguments);
        assert_eq!((unescaped("%4"), unescaped("%zz"), app_of("/v1/apps/shop")), (None, None, None));
    }
}

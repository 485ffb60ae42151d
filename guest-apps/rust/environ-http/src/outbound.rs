//! A request to somewhere else, to see what the host says to that.

use wasip2::http::outgoing_handler;
use wasip2::http::types::ErrorCode;
use wasip2::http::types::Fields;
use wasip2::http::types::IncomingBody;
use wasip2::http::types::IncomingResponse;
use wasip2::http::types::Method;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingRequest;
use wasip2::http::types::Scheme;
use wasip2::io::streams::StreamError;

/// Fields that go with each request: the first one may, the others are not a guest's to say.
const FIELDS: [(&str, &str); 4] = [
    ("x-kept", "yes"),
    ("x-forwarded-for", "6.6.6.6"),
    ("proxy-authorization", "Basic eA=="),
    ("x-guesthouse-caller", "admin"),
];

/// The status that came back and the length and beginning of the body, or the error code.
pub fn attempt(url: &str, body: Option<&str>) -> String {
    match answer(url, body) {
        Ok(answer) => format!("status {}\n{}", answer.status(), told(answer)),
        Err(error) => format!("{error:?}"),
    }
}

fn answer(url: &str, sent: Option<&str>) -> Result<IncomingResponse, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((_, rest)) => (Scheme::Http, rest),
        None => (Scheme::Http, url),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };

    let fields = Fields::new();
    for (name, value) in FIELDS {
        // Some are refused here already.
        let _ = fields.append(name, value.as_bytes());
    }
    let request = OutgoingRequest::new(fields);
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(path)).map_err(invalid)?;
    if sent.is_some() {
        request.set_method(&Method::Post).map_err(invalid)?;
    }
    let body = request.body().expect("the body is taken once");

    let answer = outgoing_handler::handle(request, None)?;
    if let Some(sent) = sent {
        let stream = body.write().expect("the stream is taken once");
        // Whoever refuses the request does not read it.
        let _ = stream.blocking_write_and_flush(sent.as_bytes());
    }
    let _ = OutgoingBody::finish(body, None);
    answer.subscribe().block();
    answer.get().expect("it is ready").expect("it is asked once")
}

/// `body 5: hello`, or how it broke off.
fn told(answer: IncomingResponse) -> String {
    let body = answer.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    let mut read = Vec::new();
    let end = loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => read.extend(piece),
            Err(StreamError::Closed) => break None,
            Err(StreamError::LastOperationFailed(error)) => break Some(error.to_debug_string()),
        }
    };
    drop(stream);
    let _ = IncomingBody::finish(body);
    let beginning = String::from_utf8_lossy(&read[..read.len().min(2000)]).into_owned();
    match end {
        None => format!("body {}: {beginning}", read.len()),
        Some(error) => format!("broken after {}: {error}", read.len()),
    }
}

//! A request to somewhere else, to see what the host says to that.

use wasip2::http::outgoing_handler;
use wasip2::http::types::ErrorCode;
use wasip2::http::types::Fields;
use wasip2::http::types::OutgoingRequest;
use wasip2::http::types::Scheme;

/// The status that came back, or the error code.
pub fn attempt(url: &str) -> String {
    match status(url) {
        Ok(status) => format!("status {status}"),
        Err(error) => format!("{error:?}"),
    }
}

fn status(url: &str) -> Result<u16, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((_, rest)) => (Scheme::Http, rest),
        None => (Scheme::Http, url),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };

    let request = OutgoingRequest::new(Fields::new());
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(path)).map_err(invalid)?;

    let answer = outgoing_handler::handle(request, None)?;
    answer.subscribe().block();
    let answer = answer.get().expect("it is ready").expect("it is asked once")?;
    Ok(answer.status())
}

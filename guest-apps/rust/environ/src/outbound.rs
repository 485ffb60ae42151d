//! A request to somewhere else, to see what the host says to that.

use guesthouse::FetchError;
use guesthouse::Request;
use guesthouse::fetch;
use guesthouse::http;

/// The status that came back and the length and beginning of the body, or the error code.
pub fn attempt(url: &str, body: Option<&str>) -> String {
    let method = if body.is_some() { "POST" } else { "GET" };
    let request = http::Request::builder().method(method).uri(url).header("x-kept", "yes");
    let answer = match request.body(body.unwrap_or_default().into()) {
        Ok(request) => ask(request),
        Err(error) => return format!("no request: {error}"),
    };
    match answer {
        Ok(told) => told,
        Err(FetchError::Code(code)) => format!("{code:?}"),
        Err(error) => error.to_string(),
    }
}

fn ask(request: Request) -> Result<String, FetchError> {
    let answer = fetch(request)?;
    let body = answer.body();
    let beginning = String::from_utf8_lossy(&body[..body.len().min(2000)]);
    Ok(format!("status {}\nbody {}: {beginning}", answer.status().as_u16(), body.len()))
}

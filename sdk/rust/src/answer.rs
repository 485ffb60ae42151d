//! What a handler may return, brought to the one shape that the WIT knows.

use std::fmt::Display;

use crate::Request;
use crate::Response;
use crate::bindings::types;
use crate::convert;

/// What a handler may return: a response, or a result of one.
pub trait Answer {
    /// The response, or the text for the operator's log.
    fn into_result(self) -> Result<Response, String>;
}

impl Answer for Response {
    fn into_result(self) -> Result<Response, String> {
        Ok(self)
    }
}

impl<E: Display> Answer for Result<Response, E> {
    fn into_result(self) -> Result<Response, String> {
        self.map_err(|error| error.to_string())
    }
}

/// One request through the author's function: what [`app!`](crate::app!) exports.
#[doc(hidden)]
pub fn answer<A: Answer>(
    request: types::Request,
    handle: impl FnOnce(Request) -> A,
) -> Result<types::Response, String> {
    let request = convert::request(request).map_err(|error| error.to_string())?;
    let response = handle(request).into_result()?;
    Ok(convert::response(response))
}

/// The author's health function, its error as text.
#[doc(hidden)]
pub fn health<E: Display>(check: impl FnOnce() -> Result<(), E>) -> Result<(), String> {
    check().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RequestExt;
    use crate::ResponseExt;

    fn get(path: &str) -> types::Request {
        types::Request {
            method: "GET".into(),
            scheme: "http".into(),
            authority: "localhost".into(),
            mount: "/shop".into(),
            path: path.into(),
            query: None,
            headers: Vec::new(),
            body: Vec::new(),
            peer: None,
            id: "1".into(),
        }
    }

    #[test]
    fn a_handler_may_return_a_response() {
        let response = answer(get("/"), |request| Response::text(request.link("/x"))).unwrap();
        assert_eq!((response.status, response.body), (200, b"/shop/x".to_vec()));
    }

    #[test]
    fn an_error_becomes_the_text_for_the_log() {
        let answer = answer(get("/"), |_| Err::<Response, _>("the disk is full"));
        assert_eq!(answer.unwrap_err(), "the disk is full");
    }

    #[test]
    fn a_request_that_http_cannot_hold_never_reaches_the_handler() {
        let error = answer(get("/ space"), |_| -> Response { unreachable!() }).unwrap_err();
        assert_eq!(error, "the path `/ space` is not one that the `http` crate takes");
    }
}

//! Reads and writes files in the gateway lane, where its path says.

use guest_support::files;
use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;
use guesthouse::http::StatusCode;

guesthouse::app!(handle);

fn handle(request: Request) -> Response {
    let (status, text) = files::answer(request.uri().path(), request.uri().query().unwrap_or_default());
    Response::text(text).with_status(StatusCode::from_u16(status).expect("the status is one of HTTP's"))
}

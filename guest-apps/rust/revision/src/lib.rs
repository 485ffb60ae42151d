//! Answers with its own number, so that a test sees which revision answered.

mod marker;

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    Response::text(marker::digits())
}

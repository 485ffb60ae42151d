//! The least that is an app: one function in the gateway lane.

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    Response::html("<h1>hello</h1>")
}

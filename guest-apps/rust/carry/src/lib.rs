//! Tries in the gateway lane to carry state from one request to the next, and tells what it found and what it left.

use guest_support::carry;
use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    Response::text(carry::report())
}

//! Ends its own program in the middle of a request.

use guesthouse::Request;
use guesthouse::Response;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    std::process::exit(3)
}

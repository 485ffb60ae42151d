//! Panics, which in a component is a trap.

use guesthouse::Request;
use guesthouse::Response;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    panic!("the guest panicked on purpose")
}

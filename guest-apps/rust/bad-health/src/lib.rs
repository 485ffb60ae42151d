//! Answers, but says that it is not well: a host keeps the revision before it.

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle, health = health);

fn handle(_request: Request) -> Response {
    Response::text("not well\n")
}

fn health() -> Result<(), &'static str> {
    Err("the database is asleep")
}

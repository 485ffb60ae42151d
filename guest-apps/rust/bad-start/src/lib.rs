//! Traps before its first function is called, while the instance is made.

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    Response::text("nobody ever reads this\n")
}

/// A component's core module is initialised by this name when it is instantiated. (A constructor in `.init_array` would
/// not do: Rust's modules run those in front of the first export that is called.)
#[unsafe(no_mangle)]
pub extern "C" fn _initialize() {
    std::process::abort();
}

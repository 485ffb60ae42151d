//! Never comes back: an endless loop in the gateway lane.

use guesthouse::Request;
use guesthouse::Response;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    loop {
        std::hint::spin_loop();
    }
}

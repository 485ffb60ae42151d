//! Takes memory until there is none left.

use guesthouse::Request;
use guesthouse::Response;

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    let mut hoard = Vec::new();
    loop {
        // Filled, so that the pages are really used and not only promised.
        hoard.push(std::hint::black_box(vec![0xAA_u8; 1024 * 1024]));
    }
}

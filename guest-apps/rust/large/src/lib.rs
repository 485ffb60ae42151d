//! A large start memory, as interpreters have it: the host gives it an engine of another kind. Gateway lane.

use std::sync::Mutex;

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

/// More than the pool for small guests keeps ready.
static HEAP: Mutex<[u8; 12 << 20]> = Mutex::new([0; 12 << 20]);

fn handle(_request: Request) -> Response {
    let Ok(mut heap) = HEAP.lock() else { return Response::text("poisoned") };
    let seen: u32 = heap.iter().map(|byte| u32::from(*byte)).sum();
    heap.fill(1);
    Response::text(format!("{} bytes, {seen} of them used before\n", heap.len()))
}

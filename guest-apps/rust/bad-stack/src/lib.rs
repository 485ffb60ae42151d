//! Calls itself until the stack is used up.

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(request: Request) -> Response {
    Response::text(down(request.body().len() as u64).to_string())
}

#[expect(unconditional_recursion, reason = "this is what the guest is for")]
fn down(depth: u64) -> u64 {
    // Each call keeps something that is needed after the next one, so that no compiler makes a loop of it.
    let mut kept = [depth; 64];
    std::hint::black_box(&mut kept);
    down(depth + 1).wrapping_add(kept[0])
}

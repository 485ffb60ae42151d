//! Answers with its own number in the 0.2 lane; at `/slow` five times, so that a hot swap can happen meanwhile.

mod marker;

use guest_support::standard;
use guest_support::standard::Answer;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

const SLOW_PIECES: usize = 5;
const SLOW_PAUSE_NS: u64 = 100_000_000;

struct Revision;

wasip2::http::proxy::export!(Revision);

impl Guest for Revision {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match standard::target(&request).0.as_str() {
            "/slow" => slow(out),
            _ => standard::text(out, 200, &marker::digits()),
        }
    }
}

fn slow(out: ResponseOutparam) {
    let answer = Answer::begin(out, 200, "text/plain");
    for piece in 0..SLOW_PIECES {
        if piece > 0 {
            monotonic_clock::subscribe_duration(SLOW_PAUSE_NS).block();
        }
        if answer.piece(format!("{}\n", marker::digits()).as_bytes()).is_err() {
            return;
        }
    }
    answer.end(None);
}

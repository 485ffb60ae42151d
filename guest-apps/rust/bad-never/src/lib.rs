//! Waits for something that never comes; at `/late` not before the head and a first piece are sent.

use guest_support::standard;
use guest_support::standard::Answer;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

const YEAR_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;

struct Bad;

wasip2::http::proxy::export!(Bad);

impl Guest for Bad {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let late = standard::target(&request).0 == "/late";
        let _answer = late.then(|| {
            let answer = Answer::begin(out, 200, "text/plain");
            answer.piece(b"first\n").expect("the visitor reads");
            answer
        });
        monotonic_clock::subscribe_duration(YEAR_NS).block();
    }
}

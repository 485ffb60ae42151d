//! Traps in the middle of a body, when the head is long sent.

use guest_support::standard::Answer;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

struct Bad;

wasip2::http::proxy::export!(Bad);

impl Guest for Bad {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let answer = Answer::begin(out, 200, "text/html; charset=utf-8");
        answer.piece(b"part of a page").expect("the visitor reads");
        panic!("the guest panicked in the middle of its answer")
    }
}

//! Tries in the 0.2 lane to carry state from one request to the next, and tells what it found and what it left.

use guest_support::carry;
use guest_support::standard;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

struct Carry;

wasip2::http::proxy::export!(Carry);

impl Guest for Carry {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        standard::text(out, 200, &carry::report());
    }
}

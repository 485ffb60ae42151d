//! Panics in the 0.2 lane before it has sent a head.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

struct Bad;

wasip2::http::proxy::export!(Bad);

impl Guest for Bad {
    fn handle(_request: IncomingRequest, _out: ResponseOutparam) {
        panic!("the guest panicked on purpose")
    }
}

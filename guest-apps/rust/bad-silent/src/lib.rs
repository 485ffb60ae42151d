//! Returns without having answered at all.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

struct Bad;

wasip2::http::proxy::export!(Bad);

impl Guest for Bad {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        drop(out);
    }
}

//! Reads and writes files in the 0.2 lane, where its path says.

use guest_support::files;
use guest_support::standard;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

struct Files;

wasip2::http::proxy::export!(Files);

impl Guest for Files {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (path, query) = standard::target(&request);
        let (status, text) = files::answer(&path, &query);
        standard::text(out, status, &text);
    }
}

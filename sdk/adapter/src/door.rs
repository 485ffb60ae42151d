//! Where the host comes in: one request, through the app, to one response.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

use crate::behind::guesthouse::gateway::handler;
use crate::question;
use crate::reply;

struct Adapter;

wasip2::http::proxy::export!(Adapter);

impl Guest for Adapter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let record = match question::read(request) {
            Ok(record) => record,
            Err(refused) => return reply::say(out, refused.status, refused.text),
        };
        match handler::handle(&record) {
            Ok(response) => reply::send(out, response),
            Err(said) => {
                // For the operator's log; the visitor sees nothing of it.
                eprintln!("the app reported an error: {said}");
                reply::say(out, 502, "502: the app could not answer\n");
            }
        }
    }
}

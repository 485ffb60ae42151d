//! Never comes back in the 0.2 lane; at `/late` not before the head and a first piece are sent.

use guest_support::standard;
use guest_support::standard::Answer;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;

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
        loop {
            std::hint::spin_loop();
        }
    }
}

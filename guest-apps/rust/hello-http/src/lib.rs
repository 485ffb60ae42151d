//! The least that is an app in the `wasi:http` 0.2 lane, which many hosts serve.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::Fields;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;

struct Hello;

wasip2::http::proxy::export!(Hello);

impl Guest for Hello {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let fields = Fields::new();
        fields.append("content-type", b"text/plain; charset=utf-8").expect("`content-type` is a guest's to say");
        let response = OutgoingResponse::new(fields);
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));

        let stream = body.write().expect("the stream is taken once");
        // The visitor may have gone meanwhile; then there is nobody to answer.
        let _ = stream.blocking_write_and_flush(b"hello\n");
        // The stream is the body's child and has to end before it.
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

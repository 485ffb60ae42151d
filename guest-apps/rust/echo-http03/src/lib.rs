//! Streaming in the 0.3 lane: the request's body is handed on as the response's, and no byte of it enters the guest.

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::wit_future;

struct Echo;

wasip3::http::service::export!(Echo);

impl Guest for Echo {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let fields = Fields::new();
        for value in request.get_headers().get("content-type") {
            fields.append("content-type", &value).expect("it was a header before");
        }
        // What we have to say about the reading: that all is well.
        let (_, read) = wit_future::new(|| Ok(()));
        // The end is handed on with the body, so that a request that breaks off is a response that does.
        let (body, end) = Request::consume_body(request, read);
        let (response, _sent) = Response::new(fields, Some(body), end);
        Ok(response)
    }
}

//! The least that is an app in the `wasi:http` 0.3 lane, where functions are asynchronous and bodies are streams.

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_future;
use wasip3::wit_stream;

struct Hello;

wasip3::http::service::export!(Hello);

impl Guest for Hello {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let fields = Fields::new();
        fields.append("content-type", b"text/plain; charset=utf-8").expect("`content-type` is a guest's to say");
        let (mut body, contents) = wit_stream::new();
        // Whoever drops the sending end of a future sends what this closure returns: no trailers, and no error.
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(fields, Some(contents), trailers);

        // The host reads the body when it has the response, so that writing it is the business of a task of its own.
        spawn_local(async move {
            // The visitor may have gone meanwhile; then there is nobody to answer, and the bytes come back.
            let _unsent = body.write_all(b"hello\n".to_vec()).await;
        });
        Ok(response)
    }
}

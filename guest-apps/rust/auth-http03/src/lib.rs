//! Middleware: asks for a password before it passes a request on, and marks what comes back. No byte of a body enters it.

mod next;

use std::hint::black_box;

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::wit_future;

/// A real one would have it from the environment, as a secret.
const PASSWORD: &[u8] = b"sesame";

/// What it marks responses with. Tests change the digits in the file without building it anew.
static MARK: &[u8] = b"auth 0001";

struct Auth;

wasip3::http::service::export!(Auth);

impl Guest for Auth {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let given = request.get_headers().get("x-password");
        match given.as_slice() {
            [given] if given == PASSWORD => Ok(marked(next::handle(request).await?)),
            _ => Ok(unauthorised()),
        }
    }
}

fn unauthorised() -> Response {
    let (_, end) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), None, end);
    response.set_status_code(401).expect("the status is one of HTTP's");
    response
}

/// The same response with one field more. Its body is handed on as it is.
fn marked(response: Response) -> Response {
    let status = response.get_status_code();
    let fields = response.get_headers().clone();
    // Looked up when it is needed, so that the digits of the file are the ones that count.
    fields.append("x-passed", black_box(MARK)).expect("`x-passed` is a guest's to say");
    let (_, read) = wit_future::new(|| Ok(()));
    let (body, end) = Response::consume_body(response, read);
    let (response, _sent) = Response::new(fields, Some(body), end);
    response.set_status_code(status).expect("the status was one before");
    response
}

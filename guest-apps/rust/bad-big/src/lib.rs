//! Answers with a body that is larger than anyone asked for: 64 MiB, or `?bytes=`.

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(request: Request) -> Response {
    let bytes = request.query_value("bytes").and_then(|bytes| bytes.parse().ok()).unwrap_or(64 * 1024 * 1024);
    Response::content("application/octet-stream", vec![b'x'; bytes])
}

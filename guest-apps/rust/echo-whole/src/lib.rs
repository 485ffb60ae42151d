//! The request's body as the response's, in the gateway lane: whole, so that the response says its length.

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::http::header::CONTENT_TYPE;

guesthouse::app!(handle);

fn handle(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut response = Response::new(body);
    if let Some(media_type) = head.headers.get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, media_type.clone());
    }
    response
}

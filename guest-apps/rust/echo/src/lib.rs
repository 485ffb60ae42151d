//! Streaming in the 0.2 lane: the request's body flows into the response's, piece by piece, never held as a whole.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::Fields;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::streams::InputStream;
use wasip2::io::streams::OutputStream;
use wasip2::io::streams::StreamError;

/// How much the app holds at a time. A blocking write takes no more than this at once.
const PIECE_BYTES_MAX: u64 = 4096;

struct Echo;

wasip2::http::proxy::export!(Echo);

impl Guest for Echo {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let fields = Fields::new();
        for value in request.headers().get("content-type") {
            fields.append("content-type", &value).expect("it was a header before");
        }
        let response = OutgoingResponse::new(fields);
        let answer = response.body().expect("the body is taken once");
        // The head goes out before a byte of the body has been read.
        ResponseOutparam::set(out, Ok(response));

        let question = request.consume().expect("the body is taken once");
        let from = question.stream().expect("the stream is taken once");
        let to = answer.write().expect("the stream is taken once");
        let copied = copy(&from, &to);
        drop((from, to));

        match copied {
            // Without `finish` the host knows that the body is not whole, and cuts the connection.
            Err(StreamError::LastOperationFailed(error)) => eprintln!("the echo broke off: {error}"),
            Err(StreamError::Closed) | Ok(()) => drop(OutgoingBody::finish(answer, None)),
        }
    }
}

fn copy(from: &InputStream, to: &OutputStream) -> Result<(), StreamError> {
    loop {
        match from.blocking_read(PIECE_BYTES_MAX) {
            // Returns when the host has taken the piece, so that a slow visitor slows the reading down.
            Ok(piece) => to.blocking_write_and_flush(&piece)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(broken) => return Err(broken),
        }
    }
}

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

/// How much the app holds at a time. Each piece costs two or three calls of the host, whatever its size.
const PIECE_BYTES_MAX: u64 = 64 * 1024;

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
            Ok(piece) => write(to, &piece)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(broken) => return Err(broken),
        }
    }
}

/// Writes as much as the host permits, and waits while that is nothing, so that a slow visitor slows the reading down.
fn write(to: &OutputStream, mut piece: &[u8]) -> Result<(), StreamError> {
    while !piece.is_empty() {
        let permitted = to.check_write()?.min(piece.len() as u64) as usize;
        if permitted == 0 {
            to.subscribe().block();
            continue;
        }
        to.write(&piece[..permitted])?;
        piece = &piece[permitted..];
    }
    Ok(())
}

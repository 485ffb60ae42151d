//! The `wasi:http` 0.2 lane in fewer words: a request's parts, and a response that is written piece by piece.

use wasip2::http::types::Fields;
use wasip2::http::types::IncomingBody;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::streams::InputStream;
use wasip2::io::streams::OutputStream;
use wasip2::io::streams::StreamError;

/// The target's path and its query.
pub fn target(request: &IncomingRequest) -> (String, String) {
    let target = request.path_with_query().unwrap_or_default();
    match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (target, String::new()),
    }
}

/// A value in a query, as it is written there.
pub fn value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A number in a query, or the one to take when there is none.
pub fn number(query: &str, name: &str, otherwise: u64) -> u64 {
    value(query, name).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// A response whose head has been sent.
pub struct Answer {
    /// Where the pieces of the body go. It ends before the body does, therefore it comes first.
    pub stream: OutputStream,
    body: OutgoingBody,
}

impl Answer {
    /// Sends the head.
    pub fn begin(out: ResponseOutparam, status: u16, media_type: &str) -> Self {
        let fields = Fields::new();
        fields.append("content-type", media_type.as_bytes()).expect("`content-type` is a guest's to say");
        let response = OutgoingResponse::new(fields);
        response.set_status_code(status).expect("the status is one of HTTP's");
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        Self { stream, body }
    }

    /// Sends a piece of the body, however long, and returns when the host has taken it.
    pub fn piece(&self, bytes: &[u8]) -> Result<(), StreamError> {
        // WASI allows at most 4096 bytes in one blocking write.
        bytes.chunks(4096).try_for_each(|chunk| self.stream.blocking_write_and_flush(chunk))
    }

    /// Says that the body is complete.
    pub fn end(self, trailers: Option<Fields>) {
        drop(self.stream);
        // The visitor may have gone; there is nobody left to tell.
        let _ = OutgoingBody::finish(self.body, trailers);
    }
}

/// Answers with a text that is there as a whole.
pub fn text(out: ResponseOutparam, status: u16, text: &str) {
    let answer = Answer::begin(out, status, "text/plain; charset=utf-8");
    let _ = answer.piece(text.as_bytes());
    answer.end(None);
}

/// A request's body while it is read.
pub struct Question {
    /// Where its pieces come from. It ends before the body does, therefore it comes first.
    pub stream: InputStream,
    _body: IncomingBody,
}

impl Question {
    /// Begins to read.
    pub fn of(request: &IncomingRequest) -> Self {
        let body = request.consume().expect("the body is taken once");
        let stream = body.stream().expect("the stream is taken once");
        Self { stream, _body: body }
    }

    /// Waits for the next piece, of at most so many bytes. `None` is the end.
    pub fn piece(&self, bytes_max: u64) -> Option<Vec<u8>> {
        loop {
            match self.stream.blocking_read(bytes_max) {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Some(piece),
                Err(StreamError::Closed) => return None,
                Err(StreamError::LastOperationFailed(error)) => panic!("the request's body broke: {error}"),
            }
        }
    }

    /// The rest, as a whole.
    pub fn rest(&self) -> Vec<u8> {
        std::iter::from_fn(|| self.piece(64 * 1024)).flatten().collect()
    }
}

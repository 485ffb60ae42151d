//! The `wasi:http` 0.3 lane in fewer words: a request's parts, and a response that is written piece by piece.

use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::http::types::Trailers;
use wasip3::wit_bindgen::FutureReader;
use wasip3::wit_bindgen::FutureWriter;
use wasip3::wit_bindgen::StreamReader;
use wasip3::wit_bindgen::StreamResult;
use wasip3::wit_bindgen::StreamWriter;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_future;
use wasip3::wit_stream;

/// How a body ended: with trailers, without, or too early.
type End = Result<Option<Trailers>, ErrorCode>;

/// Nobody reads any more.
#[derive(Debug)]
pub struct Gone;

/// The target's path and its query.
pub fn target(request: &Request) -> (String, String) {
    let target = request.get_path_with_query().unwrap_or_default();
    match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (target, String::new()),
    }
}

/// A response's body while it is written. Dropped without [`Answer::end`], it counts as broken off.
pub struct Answer {
    stream: StreamWriter<u8>,
    end: FutureWriter<End>,
}

impl Answer {
    /// A response for the host, and its body for a task that writes it.
    pub fn begin(status: u16, media_type: &str) -> (Response, Self) {
        let fields = Fields::new();
        fields.append("content-type", media_type.as_bytes()).expect("`content-type` is a guest's to say");
        let (stream, contents) = wit_stream::new();
        let (end, ended) = wit_future::new(|| Err(ErrorCode::HttpResponseIncomplete));
        let (response, _sent) = Response::new(fields, Some(contents), ended);
        response.set_status_code(status).expect("the status is one of HTTP's");
        (response, Self { stream, end })
    }

    /// Sends a piece of the body, however long, and returns when the host has taken it.
    pub async fn piece(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        match self.stream.write_all(bytes.to_vec()).await.is_empty() {
            true => Ok(()),
            false => Err(Gone),
        }
    }

    /// Says that the body is complete, and returns when the host knows it.
    pub async fn end(self, trailers: Option<Trailers>) {
        drop(self.stream);
        // The visitor may have gone; there is nobody left to tell.
        let _ = self.end.write(Ok(trailers)).await;
    }
}

/// Answers with a text that is there as a whole.
pub fn text(status: u16, text: &str) -> Response {
    let (response, mut answer) = Answer::begin(status, "text/plain; charset=utf-8");
    let text = text.to_owned();
    spawn_local(async move {
        let _ = answer.piece(text.as_bytes()).await;
        answer.end(None).await;
    });
    response
}

/// A request's body while it is read.
pub struct Question {
    stream: StreamReader<u8>,
    end: FutureReader<End>,
}

impl Question {
    /// Begins to read.
    pub fn of(request: Request) -> Self {
        let (_, read) = wit_future::new(|| Ok(()));
        let (stream, end) = Request::consume_body(request, read);
        Self { stream, end }
    }

    /// Waits for the next piece, of at most so many bytes. `None` is the end.
    pub async fn piece(&mut self, bytes_max: usize) -> Option<Vec<u8>> {
        match self.stream.read(Vec::with_capacity(bytes_max)).await {
            (StreamResult::Complete(_), piece) => Some(piece),
            (StreamResult::Dropped | StreamResult::Cancelled, _) => None,
        }
    }

    /// The rest, as a whole.
    pub async fn rest(self) -> Vec<u8> {
        let body = self.stream.collect().await;
        if let Err(error) = self.end.await {
            panic!("the request's body broke: {error}");
        }
        body
    }
}

//! Streams in the 0.2 lane in every way that a host can get wrong: early, endless, slow, unread, empty, with trailers.

use guest_support::standard;
use guest_support::standard::Answer;
use guest_support::standard::Question;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::Fields;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::streams::StreamError;

const TEXT: &str = "text/plain; charset=utf-8";
const MIB: u64 = 1024 * 1024;

struct Flow;

wasip2::http::proxy::export!(Flow);

impl Guest for Flow {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (path, query) = standard::target(&request);
        match path.as_str() {
            "/early" => early(&request, out),
            "/flood" => flood(out, standard::number(&query, "bytes", 16 * MIB)),
            "/splice" => splice(&request, out),
            "/read-slow" => read_slow(&request, out, standard::number(&query, "ms", 50)),
            "/drop-body" => standard::text(out, 200, "not read\n"),
            "/empty" => empty(out),
            "/trailers" => trailers(out),
            _ => standard::text(out, 404, "/early /flood /splice /read-slow /drop-body /empty /trailers\n"),
        }
    }
}

/// The first line comes before the request's body has ended, the last one after.
fn early(request: &IncomingRequest, out: ResponseOutparam) {
    let answer = Answer::begin(out, 200, TEXT);
    let _ = answer.piece(b"first\n");
    let question = Question::of(request);
    while question.piece(64 * 1024).is_some() {}
    let _ = answer.piece(b"last\n");
    answer.end(None);
}

/// As much as the host takes, as fast as it takes it. What was written stands in the log, MiB by MiB.
fn flood(out: ResponseOutparam, bytes: u64) {
    let answer = Answer::begin(out, 200, "application/octet-stream");
    let piece = [b'.'; 64 * 1024];
    let mut written = 0;
    while written < bytes {
        let permitted = match answer.stream.check_write() {
            Ok(0) => {
                answer.stream.subscribe().block();
                continue;
            }
            Ok(permitted) => permitted,
            Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => {
                eprintln!("closed after {written}");
                return;
            }
        };
        let length = permitted.min(bytes - written).min(piece.len() as u64);
        if answer.stream.write(&piece[..length as usize]).is_err() {
            eprintln!("closed after {written}");
            return;
        }
        if written / MIB != (written + length) / MIB {
            eprintln!("wrote {}", written + length);
        }
        written += length;
    }
    let _ = answer.stream.blocking_flush();
    answer.end(None);
}

/// The request's body becomes the response's, and no byte of it enters the guest: the host carries it over.
fn splice(request: &IncomingRequest, out: ResponseOutparam) {
    let answer = Answer::begin(out, 200, "application/octet-stream");
    let question = Question::of(request);
    loop {
        match answer.stream.blocking_splice(&question.stream, MIB) {
            Ok(_) => {}
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                eprintln!("the splice broke off: {}", error.to_debug_string());
                return;
            }
        }
    }
    answer.end(None);
}

/// Reads at most 4 KiB at a time, with a pause after each piece, and tells how much it was.
fn read_slow(request: &IncomingRequest, out: ResponseOutparam, pause_ms: u64) {
    let question = Question::of(request);
    let mut bytes = 0;
    while let Some(piece) = question.piece(4096) {
        bytes += piece.len();
        monotonic_clock::subscribe_duration(pause_ms.min(10_000) * 1_000_000).block();
    }
    standard::text(out, 200, &format!("read {bytes}\n"));
}

/// A response without content.
fn empty(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(204).expect("204 is a status of HTTP's");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let _ = OutgoingBody::finish(body, None);
}

/// A body, and a field after it.
fn trailers(out: ResponseOutparam) {
    let answer = Answer::begin(out, 200, TEXT);
    let _ = answer.piece(b"see below\n");
    let fields = Fields::new();
    fields.append("x-after", b"the body").expect("the name and the value are plain");
    answer.end(Some(fields));
}

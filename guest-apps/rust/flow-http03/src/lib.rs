//! Streams in the 0.3 lane in every way that a host can get wrong: early, endless, slow, unread, empty, with trailers,
//! and with work that goes on after the end.

use guest_support::service;
use guest_support::service::Answer;
use guest_support::service::Question;
use guest_support::standard;
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_future;

const TEXT: &str = "text/plain; charset=utf-8";
const MIB: u64 = 1024 * 1024;
const PIECE_BYTES: u64 = 64 * 1024;

struct Flow;

wasip3::http::service::export!(Flow);

impl Guest for Flow {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = service::target(&request);
        let pause = standard::number(&query, "ms", 50).min(10_000) * 1_000_000;
        Ok(match path.as_str() {
            "/early" => early(request),
            "/flood" => flood(standard::number(&query, "bytes", 16 * MIB)),
            "/read-slow" => read_slow(request, pause).await,
            "/drip" => drip(standard::number(&query, "n", 5), pause),
            "/drop-body" => service::text(200, "not read\n"),
            "/empty" => empty(),
            "/trailers" => trailers(),
            "/after" => after(standard::number(&query, "n", 3), pause),
            _ => service::text(404, "/early /flood /read-slow /drip /drop-body /empty /trailers /after\n"),
        })
    }
}

/// The first line comes before the request's body has ended, the last one after.
fn early(request: Request) -> Response {
    let (response, mut answer) = Answer::begin(200, TEXT);
    spawn_local(async move {
        let _ = answer.piece(b"first\n").await;
        let mut question = Question::of(request);
        while question.piece(PIECE_BYTES as usize).await.is_some() {}
        let _ = answer.piece(b"last\n").await;
        answer.end(None).await;
    });
    response
}

/// As much as the host takes, as fast as it takes it. What was written stands in the log, MiB by MiB.
fn flood(bytes: u64) -> Response {
    let (response, mut answer) = Answer::begin(200, "application/octet-stream");
    spawn_local(async move {
        let piece = [b'.'; PIECE_BYTES as usize];
        let mut written = 0;
        while written < bytes {
            let length = PIECE_BYTES.min(bytes - written);
            if answer.piece(&piece[..length as usize]).await.is_err() {
                eprintln!("closed after {written}");
                return;
            }
            if written / MIB != (written + length) / MIB {
                eprintln!("wrote {}", written + length);
            }
            written += length;
        }
        answer.end(None).await;
    });
    response
}

/// Reads at most 4 KiB at a time, with a pause after each piece, and tells how much it was.
async fn read_slow(request: Request, pause_ns: u64) -> Response {
    let mut question = Question::of(request);
    let mut bytes = 0;
    while let Some(piece) = question.piece(4096).await {
        bytes += piece.len();
        monotonic_clock::wait_for(pause_ns).await;
    }
    service::text(200, &format!("read {bytes}\n"))
}

/// Line after line, with a pause before each.
fn drip(lines: u64, pause_ns: u64) -> Response {
    let (response, mut answer) = Answer::begin(200, TEXT);
    spawn_local(async move {
        for line in 1..=lines {
            monotonic_clock::wait_for(pause_ns).await;
            if answer.piece(format!("line {line}\n").as_bytes()).await.is_err() {
                return;
            }
        }
        answer.end(None).await;
    });
    response
}

/// A response without content.
fn empty() -> Response {
    let (_, end) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), None, end);
    response.set_status_code(204).expect("204 is a status of HTTP's");
    response
}

/// A body, and a field after it.
fn trailers() -> Response {
    let (response, mut answer) = Answer::begin(200, TEXT);
    spawn_local(async move {
        let _ = answer.piece(b"see below\n").await;
        let fields = Fields::new();
        fields.append("x-after", b"the body").expect("the name and the value are plain");
        answer.end(Some(fields)).await;
    });
    response
}

/// A short answer that is complete, and lines in the log after it, with a pause before each.
fn after(lines: u64, pause_ns: u64) -> Response {
    let (response, mut answer) = Answer::begin(200, TEXT);
    spawn_local(async move {
        let _ = answer.piece(b"complete\n").await;
        answer.end(None).await;
        for line in 1..=lines {
            monotonic_clock::wait_for(pause_ns).await;
            eprintln!("after {line}");
        }
    });
    response
}

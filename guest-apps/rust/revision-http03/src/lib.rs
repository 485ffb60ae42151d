//! Answers with its own number in the 0.3 lane; at `/slow` five times, so that a hot swap can happen meanwhile.

mod marker;

use guest_support::service;
use guest_support::service::Answer;
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::wit_bindgen::spawn_local;

const SLOW_PIECES: usize = 5;
const SLOW_PAUSE_NS: u64 = 100_000_000;

struct Revision;

wasip3::http::service::export!(Revision);

impl Guest for Revision {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        Ok(match service::target(&request).0.as_str() {
            "/slow" => slow(),
            _ => service::text(200, &marker::digits()),
        })
    }
}

fn slow() -> Response {
    let (response, mut answer) = Answer::begin(200, "text/plain");
    spawn_local(async move {
        for piece in 0..SLOW_PIECES {
            if piece > 0 {
                monotonic_clock::wait_for(SLOW_PAUSE_NS).await;
            }
            if answer.piece(format!("{}\n", marker::digits()).as_bytes()).await.is_err() {
                return;
            }
        }
        answer.end(None).await;
    });
    response
}

//! Computes for as long as it is told: `?rounds=` of a sum, each of which waits for the one before. Gateway lane.

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

/// About a millisecond.
const ROUNDS: u32 = 1_000_000;

/// A fraction of a second on any machine.
const ROUNDS_MAX: u32 = 100_000_000;

fn handle(request: Request) -> Response {
    let rounds = request.query_value("rounds").and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    Response::text(format!("{:016x}\n", sum(rounds.min(ROUNDS_MAX))))
}

/// FNV-1a, with the numbers of the rounds in place of bytes.
fn sum(rounds: u32) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    (0..rounds).fold(OFFSET, |sum, round| (sum ^ u64::from(round)).wrapping_mul(PRIME))
}

//! More of everything than the host can want to keep.

use std::mem::forget;

use guest_support::standard::Answer;
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::Fields;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::poll;

const YEAR_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;

/// Fields without end, none of which is given back.
pub fn resources() -> ! {
    loop {
        forget(Fields::new());
    }
}

/// The same, each as large as it may be.
pub fn big_fields() -> ! {
    let value = vec![b'v'; 120 << 10];
    loop {
        match Fields::from_list(&[("x".to_owned(), value.clone())]) {
            Ok(fields) => forget(fields),
            Err(error) => panic!("refused: {error:?}"),
        }
    }
}

/// Responses that are never sent, each with as much in its body as the host takes.
pub fn bodies() -> ! {
    let piece = vec![b'x'; 1 << 20];
    loop {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("the body is taken once");
        let stream = body.write().expect("the stream is taken once");
        while let Ok(permitted @ 1..) = stream.check_write() {
            stream.write(&piece[..piece.len().min(permitted as usize)]).expect("it was permitted");
        }
        forget((response, body, stream));
    }
}

/// Pollables without end, none of which is given back.
pub fn pollables() -> ! {
    loop {
        forget(monotonic_clock::subscribe_duration(YEAR_NS));
    }
}

/// Waits for one thing as often as asked for, in one call.
pub fn poll_list(count: usize) {
    let pollable = monotonic_clock::subscribe_duration(YEAR_NS);
    poll::poll(&vec![&pollable; count]);
}

/// Waits for moments that no clock can tell.
pub fn poll_far() {
    let far = [monotonic_clock::subscribe_instant(u64::MAX), monotonic_clock::subscribe_duration(u64::MAX)];
    poll::poll(&[&far[0], &far[1]]);
}

/// Pieces of a body without end, and nothing in any of them.
pub fn empty_pieces(out: ResponseOutparam) {
    let answer = Answer::begin(out, 200, "text/plain");
    answer.piece(b"first\n").expect("the visitor reads");
    loop {
        if let Ok(1..) = answer.stream.check_write() {
            let _ = answer.stream.write(&[]);
            let _ = answer.stream.flush();
        }
    }
}

/// Writes far more at once than it was permitted.
pub fn big_write(out: ResponseOutparam) {
    let answer = Answer::begin(out, 200, "application/octet-stream");
    let _ = answer.stream.write(&vec![b'x'; 12 << 20]);
    answer.end(None);
}

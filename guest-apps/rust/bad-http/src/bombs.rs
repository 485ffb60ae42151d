//! More of everything than the host can want to keep.

use std::mem::forget;

use guest_support::standard::Answer;
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::Fields;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::poll;

const YEAR_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;

/// Fields without end, none of which is given back.
pub fn resources() -> ! {
    loop {
        forget(Fields::new());
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

/// Writes far more at once than it was permitted.
pub fn big_write(out: ResponseOutparam) {
    let answer = Answer::begin(out, 200, "application/octet-stream");
    let _ = answer.stream.write(&vec![b'x'; 12 << 20]);
    answer.end(None);
}

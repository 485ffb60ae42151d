//! More of everything than the host can want to keep.

use std::mem::forget;

use wasip3::clocks::monotonic_clock;
use wasip3::http::types::Fields;
use wasip3::http::types::Response;
use wasip3::wit_bindgen::spawn_local;

/// Far more than any host keeps for one instance.
const TASKS: usize = 1_000_000;

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

/// Calls to the host that are never answered.
pub fn tasks() -> Response {
    for _ in 0..TASKS {
        spawn_local(async { monotonic_clock::wait_for(u64::MAX).await });
    }
    guest_support::service::text(200, "tasks\n")
}

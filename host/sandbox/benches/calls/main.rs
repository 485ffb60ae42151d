//! The hot loop without sockets: instantiate, call, drop, for each lane, and beside it the same with wasmtime alone.
//!
//! `cargo bench --bench calls`. One thread, one request after the other; the guests are `hello`, `hello-http` and
//! `hello-http03`, built by Cargo when they are asked for.
//!
//! - `instantiate/…`: an instance is made and dropped, as for a new revision; nothing is called.
//! - `fresh/…`: a request, with an instance of its own.
//! - `reused/…`: a request to an instance that has answered before. `0.3, 128 × 16` is an instance for 128 requests, 16 of
//!   them at once, though here they come one at a time.
//!
//! Three rows tell where the time goes. `bare` is wasmtime with the same component, the same pool and the same linker, and
//! no bound whatever. `bounded` is that with the sandbox's bounds, set by hand: epochs and a clock that ticks, a limiter,
//! fuel for host calls, CPU time, a deadline. `ours` is the sandbox's door, [`Guest::receive`] and [`Guest::call`]. So
//! `bounded` against `bare` is what the limits cost, and `ours` against `bounded` what else the host does around a call.

mod bare;
mod ours;

use std::time::Duration;

use criterion::Criterion;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::bare::Bare;
use crate::bare::Bounds;
use crate::bare::gateway::Gateway;
use crate::bare::http02::Http02;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for (lane, name) in [("gateway", "hello"), ("0.2", "hello-http"), ("0.3", "hello-http03")] {
        ours::rows(&mut criterion, &runtime, lane, name);
    }
    for (row, bounds) in [("bare", Bounds::Off), ("bounded", Bounds::On)] {
        let gateway = Bare::<Gateway>::new(&guesthouse_test_guests::bytes("hello"), bounds);
        bare::rows(&mut criterion, &runtime, &format!("gateway/{row}"), &gateway);
        let http02 = Bare::<Http02>::new(&guesthouse_test_guests::bytes("hello-http"), bounds);
        bare::rows(&mut criterion, &runtime, &format!("0.2/{row}"), &http02);
    }
    criterion.final_summary();
}

/// One row: `turn` again and again, within one poll of the runtime as long as nothing waits.
fn row(criterion: &mut Criterion, runtime: &Runtime, title: &str, mut turn: impl AsyncFnMut()) {
    criterion.bench_function(title, |bencher| {
        bencher.iter_custom(|times| {
            runtime.block_on(async {
                let begun = Instant::now();
                for _ in 0..times {
                    turn().await;
                }
                begun.elapsed()
            })
        });
    });
}

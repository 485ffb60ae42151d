//! Whose turn it is to compute: as many instances of one guest at once as there are cores, in the order of their coming.
//!
//! A guest that computes is interrupted at every tick. Were another request begun in another instance each time, sixteen
//! visitors would have sixteen instances half way through their requests, and each of them would find the core's caches
//! filled by the others: for an interpreter, which goes through megabytes for a page, that doubles the cost of a request.
//! So a request that was interrupted is finished before another one is begun; for so long that this is no way to keep
//! the others out.

use std::cell::Cell;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// From its first interruption on, a request keeps others of its guest from being begun for no longer than this.
const LONG: Duration = Duration::from_millis(10);

thread_local! {
    /// Whether the guest that was polled last on this thread was interrupted.
    static INTERRUPTED: Cell<bool> = const { Cell::new(false) };
}

/// Says that the guest which runs on this thread is interrupted, and would go on.
pub(crate) fn interrupt() {
    INTERRUPTED.set(true);
}

/// The turns of one guest.
pub(crate) struct ComputePermits(Arc<Semaphore>);

/// One request's turn. It ends when the guest waits for something, when it has ended, or after some time.
pub(crate) struct ComputePermit {
    _place: OwnedSemaphorePermit,
    /// From the first interruption on.
    ends: Option<Instant>,
}

impl ComputePermits {
    pub(crate) fn new() -> ComputePermits {
        ComputePermits::of(available_parallelism().map_or(1, usize::from))
    }

    fn of(cores: usize) -> ComputePermits {
        ComputePermits(Arc::new(Semaphore::new(cores)))
    }

    /// Waits for a turn, behind those who wait already. Dropping the future gives the place in the queue back.
    pub(crate) async fn next(&self) -> Option<ComputePermit> {
        let place = match self.0.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.0.clone().acquire_owned().await.ok()?,
        };
        Some(ComputePermit { _place: place, ends: None })
    }
}

impl ComputePermit {
    /// Polls a guest, and ends the turn in `turn` if it is over then.
    pub(crate) fn during<T>(turn: &mut Option<ComputePermit>, poll: impl FnOnce() -> T) -> T {
        INTERRUPTED.set(false);
        let polled = poll();
        if turn.as_mut().is_some_and(|turn| !turn.goes_on()) {
            *turn = None;
        }
        polled
    }

    fn goes_on(&mut self) -> bool {
        let now = Instant::now();
        INTERRUPTED.get() && now < *self.ends.get_or_insert(now + LONG)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_interrupted_request_is_finished_before_another_is_begun() {
        let turns = ComputePermits::of(1);
        let mut first = turns.next().await;
        let (mut second, mut third) = (Box::pin(turns.next()), Box::pin(turns.next()));
        for _ in 0..3 {
            ComputePermit::during(&mut first, interrupt);
            assert!(first.is_some() && second.as_mut().now_or_never().is_none());
            assert!(third.as_mut().now_or_never().is_none());
        }
        // It waits for something, or has ended.
        ComputePermit::during(&mut first, || ());
        assert!(first.is_none() && third.as_mut().now_or_never().is_none(), "the second one came before");
        assert!(second.now_or_never().is_some());
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_turn_ends() {
        let turns = ComputePermits::of(1);
        let mut turn = turns.next().await;
        ComputePermit::during(&mut turn, interrupt);
        tokio::time::advance(LONG).await;
        assert!(turns.next().now_or_never().is_none());
        ComputePermit::during(&mut turn, interrupt);
        assert!(turn.is_none() && turns.next().now_or_never().is_some());
    }
}

//! A guest that runs: polled by its request, and stopped when its time is over.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::bounds::compute::ComputePermit;
use crate::fault::Fault;
use crate::limits::Limits;

/// A guest's work, which counts the time that it spends on a core.
///
/// Guests give way at every tick (1 ms), so that one poll is short and the count is checked often, from outside the guest.
pub(crate) struct Run<T> {
    guest: Work<T>,
    spent: Duration,
    cpu: Duration,
    /// While it is this request's turn among those of its guest.
    turn: Option<ComputePermit>,
}

/// What a guest has to do. In a box from the start: it is as large as all that wasmtime keeps for a call, and every future
/// around it would be so much larger and be copied with it.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

impl<T> Run<T> {
    pub(crate) fn new(guest: Work<T>, cpu: Duration, turn: Option<ComputePermit>) -> Run<T> {
        Run { guest, spent: Duration::ZERO, cpu, turn }
    }

    /// From now on nobody can say when it is polled again.
    pub(crate) fn end_turn(&mut self) {
        self.turn = None;
    }
}

/// Runs a guest to its end within its CPU time and its deadline for a head.
pub(crate) async fn within<T>(guest: Work<T>, limits: &Limits, turn: Option<ComputePermit>) -> Result<T, Fault> {
    let (cpu, head) = (limits.cpu, limits.head);
    tokio::time::timeout(head, Run::new(guest, cpu, turn)).await.unwrap_or(Err(Fault::Head(head)))
}

impl<T> Future for Run<T> {
    type Output = Result<T, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Fault>> {
        let begun = Instant::now();
        let Run { guest, turn, .. } = &mut *self;
        let polled = ComputePermit::during(turn, || guest.as_mut().poll(context));
        self.spent += begun.elapsed();
        if polled.is_pending() && self.spent > self.cpu {
            return Poll::Ready(Err(Fault::Cpu(self.cpu)));
        }
        polled
    }
}

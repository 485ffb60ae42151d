//! A guest that runs: polled by its request, and stopped when its time is over.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::Fault;
use crate::limits::Limits;

/// A guest's work, which counts the time that it spends on a core.
///
/// Guests give way at every tick (1 ms), so that one poll is short and the count is checked often, from outside the guest.
pub(crate) struct Run<T> {
    guest: Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>,
    spent: Duration,
    cpu: Duration,
}

impl<T> Run<T> {
    pub(crate) fn new(guest: impl Future<Output = Result<T, Fault>> + Send + 'static, cpu: Duration) -> Run<T> {
        Run { guest: Box::pin(guest), spent: Duration::ZERO, cpu }
    }
}

/// Runs a guest to its end within its CPU time and its deadline for a head.
pub(crate) async fn within<T>(
    guest: impl Future<Output = Result<T, Fault>> + Send + 'static,
    limits: &Limits,
) -> Result<T, Fault> {
    let (cpu, head) = (limits.cpu, limits.head);
    tokio::time::timeout(head, Run::new(guest, cpu)).await.unwrap_or(Err(Fault::Head(head)))
}

impl<T> Future for Run<T> {
    type Output = Result<T, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Fault>> {
        let begun = Instant::now();
        let polled = self.guest.as_mut().poll(context);
        self.spent += begun.elapsed();
        if polled.is_pending() && self.spent > self.cpu {
            return Poll::Ready(Err(Fault::Cpu(self.cpu)));
        }
        polled
    }
}

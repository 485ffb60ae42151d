//! A queue in which the smallest goes first, and the largest goes in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::oneshot;

/// Lets a few through at once, the smallest first. Whatever comes later overtakes a job only until as much has gone before
/// it as it has itself: a large one waits for as much again as its own size, and never for ever.
pub struct CompileQueue {
    // Held for a look into the map only; no await is inside.
    inner: Mutex<Inner>,
}

struct Inner {
    free: usize,
    /// What had been let through when one came, and its own size, together; then by arrival. (Start-time fair queueing, with
    /// sizes for times.)
    waiting: BTreeMap<(u64, u64), (u64, oneshot::Sender<QueuePermit>)>,
    serial: u64,
    /// The sizes of all who were let through.
    passed: u64,
}

/// The right to go on. Dropping it lets the next one through.
pub struct QueuePermit {
    queue: Arc<CompileQueue>,
}

impl CompileQueue {
    /// Lets `at_once` through at the same time.
    pub fn new(at_once: usize) -> Arc<CompileQueue> {
        Arc::new(CompileQueue {
            inner: Mutex::new(Inner { free: at_once, waiting: BTreeMap::new(), serial: 0, passed: 0 }),
        })
    }

    /// Waits for one's turn. Dropping the future leaves the queue.
    pub async fn permit(self: &Arc<CompileQueue>, size: u64) -> QueuePermit {
        let receiver = {
            let mut inner = self.lock();
            if inner.free > 0 {
                inner.free -= 1;
                inner.passed = inner.passed.saturating_add(size);
                return QueuePermit { queue: self.clone() };
            }
            inner.waiting.retain(|_, (_, sender)| !sender.is_closed());
            inner.serial += 1;
            let (sender, receiver) = oneshot::channel();
            let place = (inner.passed.saturating_add(size), inner.serial);
            inner.waiting.insert(place, (size, sender));
            receiver
        };
        receiver.await.expect("whoever waits stays in the map until it is its turn")
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for QueuePermit {
    fn drop(&mut self) {
        let next = {
            let mut inner = self.queue.lock();
            inner.waiting.retain(|_, (_, sender)| !sender.is_closed());
            let next = inner.waiting.pop_first();
            inner.free += usize::from(next.is_none());
            let size = next.as_ref().map_or(0, |(_, (size, _))| *size);
            inner.passed = inner.passed.saturating_add(size);
            next
        };
        if let Some((_, (_, sender))) = next {
            // If nobody takes it any more, this drops the turn, which lets the next one through.
            drop(sender.send(QueuePermit { queue: self.queue.clone() }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_smallest_goes_first() {
        let queue = CompileQueue::new(1);
        let first = queue.permit(9).await;
        let order = Mutex::new(Vec::new());
        let wait = |size| {
            let (queue, order) = (&queue, &order);
            async move {
                let _turn = queue.permit(size).await;
                order.lock().unwrap().push(size);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let release = async {
            // Who gives up is passed over.
            assert!(tokio::time::timeout(Duration::from_secs(1), queue.permit(1)).await.is_err());
            drop(first);
        };
        tokio::join!(wait(7), wait(3), wait(5), release);
        assert_eq!(*order.lock().unwrap(), [3, 5, 7]);
        assert_eq!(queue.lock().free, 1);
    }

    #[tokio::test]
    async fn small_ones_without_end_overtake_a_large_one_until_they_are_as_large_together() {
        let queue = CompileQueue::new(1);
        let mut permit = queue.permit(10).await;
        let mut large = std::pin::pin!(queue.permit(1000));
        assert!(futures_util::poll!(&mut large).is_pending());
        let mut overtaken = 0;
        loop {
            // Each comes before the one before it is done.
            let mut small = std::pin::pin!(queue.permit(10));
            assert!(futures_util::poll!(&mut small).is_pending());
            drop(permit);
            if let std::task::Poll::Ready(_turn) = futures_util::poll!(&mut large) {
                break;
            }
            permit = small.await;
            overtaken += 1;
            assert!(overtaken <= 100, "the large one waits for ever");
        }
        assert_eq!(overtaken, 99);
    }
}

//! Work beside the one task: started by it, reported to it, and stopped by it.

use std::collections::HashMap;
use std::future::Future;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Runs jobs whose one result each is a `T`.
pub struct Jobs<T> {
    tasks: TaskTracker,
    stop: CancellationToken,
    // Unbounded, but every job puts in one result, and the reconciler starts a few jobs per app at most.
    sender: mpsc::UnboundedSender<(u64, T)>,
    receiver: mpsc::UnboundedReceiver<(u64, T)>,
    running: HashMap<u64, CancellationToken>,
}

/// Sends a result even if the job panics: whoever waits for it must not wait for ever.
struct Report<T> {
    serial: u64,
    result: Option<T>,
    sender: mpsc::UnboundedSender<(u64, T)>,
}

impl<T> Drop for Report<T> {
    fn drop(&mut self) {
        if let Some(result) = self.result.take() {
            // Nobody listens any more only when everything ends.
            let _ = self.sender.send((self.serial, result));
        }
    }
}

impl<T: Send + 'static> Jobs<T> {
    /// No jobs yet. They are tracked by `tasks` and dropped at `stop`.
    pub fn new(tasks: TaskTracker, stop: CancellationToken) -> Jobs<T> {
        let (sender, receiver) = mpsc::unbounded_channel();
        Jobs { tasks, stop, sender, receiver, running: HashMap::new() }
    }

    /// Starts a job under a number of its own. `lost` is reported if it panics.
    pub fn start(&mut self, serial: u64, lost: T, work: impl Future<Output = T> + Send + 'static) {
        let stop = self.stop.child_token();
        self.running.insert(serial, stop.clone());
        let mut report = Report { serial, result: Some(lost), sender: self.sender.clone() };
        self.tasks.spawn(async move {
            let result = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                result = work => Some(result),
            };
            report.result = result;
            drop(report);
        });
    }

    /// Drops a job where it stands: no result comes.
    pub fn cancel(&mut self, serial: u64) {
        if let Some(stop) = self.running.remove(&serial) {
            stop.cancel();
        }
    }

    /// Waits for the next result. Safe to drop.
    pub async fn next(&mut self) -> T {
        loop {
            let (serial, result) = self.receiver.recv().await.expect("a sender is kept beside the receiver");
            // A job may end while it is being cancelled.
            if self.running.remove(&serial).is_some() {
                return result;
            }
        }
    }

    /// A result that is already there.
    pub fn try_next(&mut self) -> Option<T> {
        loop {
            let (serial, result) = self.receiver.try_recv().ok()?;
            if self.running.remove(&serial).is_some() {
                return Some(result);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_job_is_heard_of_unless_it_is_cancelled() {
        let mut jobs = Jobs::new(TaskTracker::new(), CancellationToken::new());
        jobs.start(1, "lost", std::future::pending());
        jobs.cancel(1);
        jobs.start(2, "lost", async { panic!("a bug") });
        assert_eq!(jobs.next().await, "lost");
        jobs.start(3, "lost", async { "found" });
        assert_eq!(jobs.next().await, "found");
        assert_eq!(jobs.try_next(), None);
    }
}

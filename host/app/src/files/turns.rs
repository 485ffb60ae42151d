//! Blocking work on files: a few calls at a time, and none that is waited for without end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::files::error::FileError;

/// Calls at once for one revision of an app: a file system that hangs must not take all threads that others wait for.
const AT_ONCE: usize = 16;

/// How long one call may take, with the wait for its turn.
const CALL_MAX: Duration = Duration::from_secs(30);

/// Who may block a thread.
#[derive(Clone)]
pub struct BlockingPermits(Arc<Semaphore>);

impl Default for BlockingPermits {
    fn default() -> BlockingPermits {
        BlockingPermits(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl BlockingPermits {
    /// Does `work` where it may block. A call that hangs keeps its turn, although nobody waits for it any more.
    pub async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let all = async {
            let turn = self.0.clone().acquire_owned().await.map_err(|_| FileError::Bug)?;
            let blocking = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                work()
            });
            blocking.await.map_err(|_| FileError::Bug)?
        };
        tokio::time::timeout(CALL_MAX, all).await.map_err(|_| FileError::Slow(CALL_MAX))?
    }
}

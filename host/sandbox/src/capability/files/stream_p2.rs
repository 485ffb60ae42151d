//! A stream into a file, which pays for what is written.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::DynOutputStream;
use wasmtime_wasi::p2::OutputStream;
use wasmtime_wasi::p2::Pollable;
use wasmtime_wasi::p2::StreamError;
use wasmtime_wasi::p2::StreamResult;

use crate::capability::files::handles::Backing;
use crate::capability::files::measure::BLOCK_BYTES;
use crate::capability::files::quota::QuotaDir;

/// A stream into a file that lies in `quota_dir`.
pub(crate) struct Metered {
    inner: DynOutputStream,
    ground: Backing,
    quota_dir: Arc<QuotaDir>,
    /// Where it writes; `None` is at the end.
    offset: Option<u64>,
    /// It has told that there is no more room.
    is_over: bool,
}

impl Metered {
    pub(crate) fn new(
        inner: DynOutputStream,
        ground: Backing,
        quota_dir: Arc<QuotaDir>,
        offset: Option<u64>,
    ) -> Metered {
        Metered { inner, ground, quota_dir, offset, is_over: false }
    }

    fn go_on(&mut self, bytes: usize) {
        self.offset = self.offset.map(|offset| offset.saturating_add(bytes as u64));
    }

    /// How much of `wanted` can be paid for without measuring.
    fn affordable(&self, wanted: usize) -> usize {
        let left = self.quota_dir.left();
        let to_block_end = self.offset.map_or(1, |offset| BLOCK_BYTES - offset % BLOCK_BYTES);
        // What lies across two borders of blocks costs two more than it fills.
        let candidates = [wanted as u64, left.saturating_sub(2 * BLOCK_BYTES), to_block_end];
        let fits = candidates.into_iter().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX).min(wanted));
        fits.filter(|bytes| self.ground.cost(self.offset, *bytes) <= left).max().unwrap_or_default()
    }

    fn no_space(&mut self) -> StreamError {
        self.is_over = true;
        StreamError::LastOperationFailed(io::Error::from(Errno::NOSPC).into())
    }
}

#[async_trait]
impl OutputStream for Metered {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let length = bytes.len();
        let cost = self.ground.cost(self.offset, length);
        if self.ground.is_too_far(self.offset, length) || !self.quota_dir.charge(cost) {
            return Err(self.no_space());
        }
        self.inner.write(bytes)?;
        self.ground.paid(self.offset, length);
        self.go_on(length);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if self.is_over {
            return Err(StreamError::Closed);
        }
        let most = self.inner.check_write()?;
        let permit = self.affordable(most);
        if most > 0 && (self.ground.is_too_far(self.offset, 1) || permit == 0 && self.quota_dir.is_known_full()) {
            return Err(self.no_space());
        }
        Ok(permit)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.is_over {
            return Err(StreamError::Closed);
        }
        let length = bytes.len();
        if !self.ground.takes_write(self.offset, length).await {
            return Err(self.no_space());
        }
        self.inner.blocking_write_and_flush(bytes).await?;
        self.go_on(length);
        Ok(())
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

#[async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.inner.ready().await;
        // Nobody waits for a stream that has failed, or is about to say so.
        if !self.is_over && self.affordable(1) == 0 && !self.quota_dir.is_known_full() {
            self.quota_dir.measure().await;
        }
    }
}

//! A visitor's socket: counts its silences, can give back what was read, watches over chunked bodies, and shows the wire where
//! that is asked for.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf as _;
use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::connection::trace::Tracer;
use crate::listen::stream::Stream;
use crate::track::activity::Activity;
use crate::track::chunks::Chunks;

/// The head and the body of a small response cost less as one piece, copied, than as two that the kernel gathers.
const GATHERED_BYTES_MAX: usize = 2048;

/// A stream as the connection's driver sees it.
pub struct Socket {
    stream: Stream,
    activity: Arc<Activity>,
    tracer: Option<Box<Tracer>>,
    /// Was read to recognise the protocol, or is held back for the watch over chunks, and is read next.
    given_back: Bytes,
    /// On HTTP/1.
    chunks: Option<Chunks>,
    /// Whether our side is shut and we only read on.
    lingers: bool,
}

impl Socket {
    /// Wraps a stream that was just accepted.
    pub fn new(stream: Stream, activity: Arc<Activity>, tracer: Option<Box<Tracer>>) -> Socket {
        Socket { stream, activity, tracer, given_back: Bytes::new(), chunks: None, lingers: false }
    }

    /// Makes `bytes` what is read next.
    pub fn give_back(&mut self, bytes: Bytes) {
        self.given_back = bytes;
    }

    /// Watches over chunked bodies from here on: HTTP/1 is spoken.
    pub fn watch_chunks(&mut self) {
        self.chunks = Some(Chunks::default());
    }

    /// How much of what comes next may be read now.
    fn pass(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(chunks) = &mut self.chunks else { return Ok(bytes.len()) };
        if let Some(framing) = self.activity.take_framing() {
            chunks.follows(framing);
        }
        chunks.pass(bytes)
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.given_back.is_empty() {
            let mut next = self.given_back.clone();
            next.truncate(buf.remaining());
            let length = self.pass(&next)?;
            buf.put_slice(&next[..length]);
            self.given_back.advance(length);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let arrived = &buf.filled()[before..];
        if !arrived.is_empty() {
            self.activity.arrived();
            if let Some(tracer) = &mut self.tracer {
                tracer.arrived(arrived);
            }
            let length = self.pass(arrived)?;
            if length < arrived.len() {
                self.given_back = Bytes::copy_from_slice(&arrived[length..]);
                buf.set_filled(before + length);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.activity.wrote(written.is_ready());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let written = if slices.len() > 1 && length <= GATHERED_BYTES_MAX {
            let mut gathered = [0; GATHERED_BYTES_MAX];
            let mut at = 0;
            for slice in slices {
                gathered[at..at + slice.len()].copy_from_slice(slice);
                at += slice.len();
            }
            Pin::new(&mut self.stream).poll_write(cx, &gathered[..length])
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
        };
        self.activity.wrote(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        // Below TLS, what was written may wait here rather than in the kernel.
        if self.stream.holds_back() {
            self.activity.wrote(flushed.is_ready());
        }
        flushed
    }

    /// Says that nothing more will come from us. While the visitor may still be sending, what comes is thrown away for a
    /// moment: closing at once would make the kernel send a reset, which can overtake our response.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.lingers {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.lingers = self.activity.linger();
        }
        let mut scrap = [0; 4096];
        while self.lingers {
            let mut buf = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf));
            self.lingers = read.is_ok() && !buf.filled().is_empty();
        }
        Poll::Ready(Ok(()))
    }
}

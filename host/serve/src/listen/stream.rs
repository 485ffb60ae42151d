//! What a visitor's bytes come through: TCP or a Unix socket, with or without TLS.

use std::io;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use guesthouse_tls::handshake::Secured;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::net::UnixStream;

/// An accepted socket.
pub enum Plain {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

/// What HTTP is spoken over.
pub enum Stream {
    /// The socket itself.
    Plain(Plain),
    /// TLS over it. In a box: it is several times the size of a socket.
    Tls(Box<Secured<Plain>>),
}

impl Plain {
    /// Our own end, if it has an address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Plain::Tcp(stream) => stream.local_addr().ok(),
            Plain::Unix(_) => None,
        }
    }

    /// A small response must not wait for more to come.
    pub fn send_at_once(&self) {
        if let Plain::Tcp(stream) = self {
            // It fails only on a connection that is gone.
            let _ = stream.set_nodelay(true);
        }
    }
}

impl Stream {
    /// Whether what is written may wait within, rather than in the kernel.
    pub fn holds_back(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }
}

/// One match for every method: `on!(self, Plain, |stream| …)`.
macro_rules! on {
    ($this:expr, $kind:ident { $($variant:ident),+ }, $stream:ident => $call:expr) => {
        match $this.get_mut() {
            $($kind::$variant($stream) => { let $stream = Pin::new($stream); $call })+
        }
    };
}

impl AsyncRead for Plain {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on!(self, Plain { Tcp, Unix }, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Plain {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on!(self, Plain { Tcp, Unix }, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on!(self, Plain { Tcp, Unix }, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, Plain { Tcp, Unix }, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, Plain { Tcp, Unix }, stream => stream.poll_shutdown(cx))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on!(self, Stream { Plain, Tls }, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on!(self, Stream { Plain, Tls }, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on!(self, Stream { Plain, Tls }, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, Stream { Plain, Tls }, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, Stream { Plain, Tls }, stream => stream.poll_shutdown(cx))
    }
}

//! Connections to the outside: a permit first, then the addresses, then TCP. TLS is laid over it by the client.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::vec;

use http::Uri;
use hyper::rt::Read;
use hyper::rt::ReadBufCursor;
use hyper::rt::Write;
use hyper_util::client::legacy::connect::Connected;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::error::OutboundError;
use crate::lookup::addresses;
use crate::permits::Connections;
use crate::permits::Permits;
use crate::rules::Rules;
use crate::rules::target_of;

/// Makes the connections of one app.
#[derive(Clone)]
pub struct Connector(Arc<Shared>);

struct Shared {
    connections: Connections,
    rules: Rules,
    within: Duration,
}

impl Connector {
    pub fn new(connections: Connections, rules: Rules, within: Duration) -> Connector {
        Connector(Arc::new(Shared { connections, rules, within }))
    }
}

impl Shared {
    async fn connect(&self, uri: Uri) -> Result<Stream, OutboundError> {
        let target = target_of(&uri)?;
        let permits = self.connections.wait(&target).await?;
        let found = addresses(self.connections.host(), &self.rules, &target).await?;
        let mut http = HttpConnector::new_with_resolver(Found(found));
        http.enforce_http(false);
        http.set_nodelay(true);
        let connect = async { http.call(uri).await.map_err(io_error) };
        let connected = timeout(self.within, connect).await;
        let connected =
            connected.map_err(|_| OutboundError::ConnectTimeout { target: target.clone(), after: self.within })?;
        let stream = connected.map_err(|error| OutboundError::Connect { target, error: Arc::new(error) })?;
        Ok(Stream { stream, _permits: permits })
    }
}

/// What the library says, as what the system said to it.
fn io_error(error: impl std::error::Error) -> io::Error {
    let mut source = error.source();
    while let Some(reason) = source {
        if let Some(error) = reason.downcast_ref::<io::Error>() {
            return io::Error::new(error.kind(), error.to_string());
        }
        source = reason.source();
    }
    io::Error::other(error.to_string())
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = OutboundError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, OutboundError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), OutboundError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move { shared.connect(uri).await })
    }
}

/// Addresses that were looked up and checked before.
#[derive(Clone)]
struct Found(Vec<std::net::SocketAddr>);

impl Service<Name> for Found {
    type Response = vec::IntoIter<std::net::SocketAddr>;
    type Error = io::Error;
    type Future = std::future::Ready<Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _name: Name) -> Self::Future {
        std::future::ready(Ok(self.0.clone().into_iter()))
    }
}

/// A connection, and what it takes of what there is.
pub struct Stream {
    stream: TokioIo<TcpStream>,
    _permits: Permits,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }
}

//! TLS of a guest's own connections (`wasi:tls`): the host speaks it, and checks the certificate.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use guesthouse_outbound::error::OutboundError;
use guesthouse_outbound::tcp::Tcp;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio_rustls::client::TlsStream;
use wasmtime::component::HasData;
use wasmtime::component::Linker;
use wasmtime_wasi_tls::Error;
use wasmtime_wasi_tls::TlsProvider;
use wasmtime_wasi_tls::TlsTransport;
use wasmtime_wasi_tls::WasiTlsCtx;
use wasmtime_wasi_tls::WasiTlsCtxBuilder;
use wasmtime_wasi_tls::WasiTlsCtxView;
use wasmtime_wasi_tls::p2::LinkOptions;
use wasmtime_wasi_tls::p2::bindings::types;

use crate::capability::outbound::note::Notes;

/// The version that is linked: a draft, which is like nothing but itself.
pub(crate) const VERSION: &str = "0.2.0-draft";

/// A store whose guest may speak TLS.
pub(crate) trait TlsView: Send + 'static {
    fn tls(&mut self) -> WasiTlsCtxView<'_>;
}

struct Tls;

impl HasData for Tls {
    type Data<'store> = WasiTlsCtxView<'store>;
}

pub(crate) fn link<T: TlsView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Tls>(linker, LinkOptions::default().tls(true), T::tls)
}

/// What one instance has of it.
pub(crate) fn context(granted: Option<Arc<Tcp>>, notes: Notes) -> WasiTlsCtx {
    WasiTlsCtxBuilder::new().provider(Box::new(Provider { granted, notes })).build()
}

struct Provider {
    /// Nothing, if nothing was granted.
    granted: Option<Arc<Tcp>>,
    notes: Notes,
}

type Securing = Pin<Box<dyn Future<Output = Result<Box<dyn wasmtime_wasi_tls::TlsStream>, Error>> + Send>>;

impl TlsProvider for Provider {
    fn connect(&self, server_name: String, transport: Box<dyn TlsTransport>) -> Securing {
        let (granted, note) = (self.granted.clone(), self.notes.now());
        Box::pin(async move {
            let secured = match granted {
                Some(tcp) => tcp.secure(server_name, transport).await,
                None => Err(OutboundError::NotGranted(format!("TLS with {server_name}"))),
            };
            let stream = secured.map_err(|why| {
                note.failed("connection", &why);
                Error::msg(why)
            })?;
            Ok(Box::new(Secured(stream)) as Box<dyn wasmtime_wasi_tls::TlsStream>)
        })
    }
}

/// A connection over TLS, as the library wants it.
struct Secured(TlsStream<Box<dyn TlsTransport>>);

impl wasmtime_wasi_tls::TlsStream for Secured {}

impl AsyncRead for Secured {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

//! The handshake: which certificate a visitor is shown, and what is spoken afterwards.

use std::io;
use std::sync::Arc;

use rustls::server::Acceptor;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio_rustls::LazyConfigAcceptor;

use crate::certificate::Certificate;
use crate::certificates::Certificates;

/// A stream below TLS.
pub type Secured<S> = tokio_rustls::server::TlsStream<S>;

/// What those speak who validate a name for a certificate authority (RFC 8737 section 4).
pub const CHALLENGE_PROTOCOL: &[u8] = b"acme-tls/1";

/// A handshake that is done.
pub struct Shaken<S> {
    /// The stream.
    pub stream: Secured<S>,
    /// What it was made with.
    pub certificate: Arc<Certificate>,
    /// What was agreed on.
    pub protocol: Agreed,
}

/// What was agreed on (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// HTTP/2.
    Http2,
    /// HTTP/1.1.
    Http1,
    /// Nothing: the visitor did not ask.
    Open,
    /// The proof that we have a name; nothing more is said.
    Challenge,
}

/// Makes the handshake. It waits as long as the visitor does: the caller has a deadline around it.
pub async fn shake<S>(stream: S, certificates: &Certificates) -> io::Result<Shaken<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let hello = start.client_hello();
    let name = hello.server_name().map(str::to_ascii_lowercase);
    let is_challenge = hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == CHALLENGE_PROTOCOL));
    let name = name.as_deref().map(|name| name.trim_end_matches('.'));
    let certificate = if is_challenge { certificates.pick_challenge(name) } else { certificates.pick(name) };
    let certificate = certificate.ok_or_else(|| io::Error::other("there is no certificate yet"))?;
    let stream = start.into_stream(certificate.config.clone()).await?;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Agreed::Http2,
        Some(CHALLENGE_PROTOCOL) => Agreed::Challenge,
        Some(_) => Agreed::Http1,
        None => Agreed::Open,
    };
    Ok(Shaken { stream, certificate, protocol })
}

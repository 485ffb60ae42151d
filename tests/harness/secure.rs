//! A client below TLS, and certificates for both sides.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use guesthouse_tls::files::CertificateFiles;
use guesthouse_tls::self_signed::SelfSigned;
use guesthouse_tls::self_signed::self_signed;
use http::Request;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::client::Reply;
use crate::harness::within;

/// A certificate that was made for a test, and signed by itself.
pub fn certificate(names: &[&str]) -> SelfSigned {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    self_signed(&names).unwrap()
}

/// Puts it into two files, each by rename.
pub fn write(certificate: &SelfSigned, folder: &Path, name: &str) -> CertificateFiles {
    let put = |ending: &str, text: &str| {
        let (path, new) = (folder.join(format!("{name}.{ending}")), folder.join(format!("{name}.{ending}.new")));
        fs::write(&new, text).unwrap();
        fs::rename(new, &path).unwrap();
        path
    };
    CertificateFiles { chain: put("pem", &certificate.chain), key: put("key", &certificate.key) }
}

/// A connection whose certificate was found to be one of `known`, and to cover `name`.
pub struct Secure {
    stream: TlsStream<TcpStream>,
}

impl Secure {
    pub async fn connect(
        address: SocketAddr,
        name: &str,
        known: &[&SelfSigned],
        protocols: &[&str],
    ) -> std::io::Result<Secure> {
        let mut roots = RootCertStore::empty();
        for certificate in known {
            roots.add(CertificateDer::from_pem_slice(certificate.chain.as_bytes()).unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = within("a handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
        Ok(Secure { stream })
    }

    /// What was agreed on.
    pub fn protocol(&self) -> String {
        let protocol = self.stream.get_ref().1.alpn_protocol().unwrap_or(b"none");
        String::from_utf8_lossy(protocol).into_owned()
    }

    /// Sends one request on it, in the protocol that was agreed on.
    pub async fn send(self, mut request: Request<Full<Bytes>>) -> Reply {
        let io = TokioIo::new(self.stream);
        let response = if io.inner().get_ref().1.alpn_protocol() == Some(b"h2") {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::task::spawn(connection);
            within("an answer", sender.send_request(request)).await.unwrap()
        } else {
            let host = request.uri().authority().map(ToString::to_string);
            if let Some(host) = host {
                request.headers_mut().insert("host", host.parse().unwrap());
                *request.uri_mut() = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
            }
            let (mut sender, connection) = http1::handshake(io).await.unwrap();
            tokio::task::spawn(connection);
            within("an answer", sender.send_request(request)).await.unwrap()
        };
        let (parts, body) = response.into_parts();
        let body = within("a body", body.collect()).await.unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

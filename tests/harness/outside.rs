//! A server that guests call: what the world outside of the host is in tests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use guesthouse_tls::self_signed::SelfSigned;
use http::Request;
use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server on loopback. It goes with its test's runtime.
pub struct Outside {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

impl Outside {
    /// One that speaks HTTP/1.1 and, to whoever knows before, HTTP/2.
    pub async fn begin() -> Outside {
        Outside::with(None).await
    }

    /// One that speaks TLS with this certificate, and says that it speaks HTTP/2 where `h2`.
    pub async fn secure(certificate: &SelfSigned, h2: bool) -> Outside {
        let chain = vec![CertificateDer::from_pem_slice(certificate.chain.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = if h2 { vec![b"h2".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Outside::with(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn with(tls: Option<TlsAcceptor>) -> Outside {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counted = connections.clone();
        tokio::task::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let tls = tls.clone();
                tokio::task::spawn(async move {
                    match tls {
                        None => serve(stream).await,
                        // Whoever does not trust it goes away.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream).await
                            }
                        }
                    }
                });
            }
        });
        Outside { address, connections }
    }

    /// Connections that were ever made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let connection = auto::Builder::new(TokioExecutor::new());
    // A guest that goes away is no fault of the server's.
    let _ = connection.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

/// `/redirect` leads elsewhere, `/onwards?307=/x` leads to `/x` with that status, `/round` to itself, `/v1/charges` is an API with a key, `/silent` never answers, `/large` sends a mebibyte, and `/stalls`
/// sends a byte and no more; whatever else tells what was asked.
async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let whole = |text: String| Full::new(Bytes::from(text)).boxed_unsync();
    Ok(match request.uri().path() {
        "/redirect" => Response::builder()
            .status(302)
            .header("location", "http://elsewhere.example/")
            .body(whole(String::new()))
            .unwrap(),
        "/onwards" => {
            let (status, to) = request.uri().query().and_then(|query| query.split_once('=')).unwrap();
            Response::builder().status(status).header("location", to).body(whole(String::new())).unwrap()
        }
        "/round" => Response::builder().status(302).header("location", "/round").body(whole(String::new())).unwrap(),
        "/v1/charges" => {
            let is_known = request.headers().get("authorization").is_some_and(|key| key == "Bearer sk_test");
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let (status, told) = match is_known {
                true => (200, serde_json::json!({ "id": format!("ch_{}", asked["amount"]) })),
                false => (401, serde_json::json!({ "error": "no such key" })),
            };
            Response::builder().status(status).body(whole(told.to_string())).unwrap()
        }
        "/silent" => std::future::pending().await,
        "/large" => Response::new(Full::new(Bytes::from(vec![b'x'; 1 << 20])).boxed_unsync()),
        "/stalls" => {
            let one = futures_util::stream::once(async { Ok(Frame::data(Bytes::from_static(b"x"))) });
            let stalls = futures_util::StreamExt::chain(one, futures_util::stream::pending());
            Response::new(StreamBody::new(stalls).boxed_unsync())
        }
        _ => {
            let (parts, body) = request.into_parts();
            let mut told = format!("{} {} {:?}\n", parts.method, parts.uri.path(), parts.version);
            for (name, value) in &parts.headers {
                told.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
            }
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            told.push_str(&format!("\n{}", String::from_utf8_lossy(&body)));
            Response::new(whole(told))
        }
    })
}

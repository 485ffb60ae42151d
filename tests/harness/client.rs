//! An HTTP client that shows what came.

use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::StatusCode;
use http::header::HOST;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::client::conn::http1::SendRequest;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::harness::within;

/// One keep-alive connection.
pub struct Client {
    pub address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client { address, sender: None }
    }

    /// Sends a request and reads the whole answer. `Err` when the connection broke or the body was cut.
    pub async fn try_send(&mut self, mut request: Request<Full<Bytes>>) -> Result<Reply, hyper::Error> {
        let port = self.address.port();
        if !request.headers().contains_key(HOST) {
            request.headers_mut().insert(HOST, format!("localhost:{port}").parse().unwrap());
        }
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.sender = Some(connect(self.address).await?);
        }
        let sender = self.sender.as_mut().expect("it was just made");
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Reply {
        within("an answer", self.try_send(request)).await.unwrap()
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(get(path)).await
    }
}

pub fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

pub fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path).body(Full::new(body.into())).unwrap()
}

/// A connection of its own, for tests that look at single frames.
pub async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, hyper::Error> {
    let stream = TcpStream::connect(address).await.expect("the host listens");
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn(connection);
    Ok(sender)
}

/// An HTTP/2 connection without TLS, by prior knowledge.
pub async fn http2(address: SocketAddr) -> http2::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the host listens");
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn(connection);
    sender
}

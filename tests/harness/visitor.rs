//! A visitor on a bare socket, who sees every byte.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::within;

/// A visitor who writes and reads bytes.
pub struct Visitor {
    stream: TcpStream,
    /// What has come so far.
    pub seen: Vec<u8>,
}

impl Visitor {
    pub async fn connect(address: SocketAddr) -> Visitor {
        Visitor { stream: TcpStream::connect(address).await.unwrap(), seen: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next bytes; none when the host has closed.
    pub async fn read(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        let read = within("bytes", self.stream.read(&mut buffer)).await.unwrap_or(0);
        buffer.truncate(read);
        buffer
    }

    /// Everything so far, once it contains `text`.
    pub async fn read_until(&mut self, text: &str) -> String {
        loop {
            let so_far = String::from_utf8_lossy(&self.seen).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
            let more = self.read().await;
            assert!(!more.is_empty(), "the host closed before `{text}`: {so_far}");
            self.seen.extend(more);
        }
    }

    /// The chunked body so far, once it is enough: asked with the body, and whether it has ended.
    pub async fn read_body(&mut self, enough: impl Fn(&[u8], bool) -> bool) -> Vec<u8> {
        self.read_until("\r\n\r\n").await;
        loop {
            let (body, ended) = unchunked(&self.seen);
            if enough(&body, ended) {
                return body;
            }
            let more = self.read().await;
            assert!(!more.is_empty(), "the host closed after {} bytes of body", body.len());
            self.seen.extend(more);
        }
    }

    pub async fn read_to_end(&mut self) -> String {
        loop {
            let more = self.read().await;
            if more.is_empty() {
                return String::from_utf8_lossy(&self.seen).into_owned();
            }
            self.seen.extend(more);
        }
    }
}

/// What the chunks after a response's head hold (RFC 9112 section 7.1), and whether the last one has come.
pub fn unchunked(response: &[u8]) -> (Vec<u8>, bool) {
    let line_end = |bytes: &[u8]| bytes.windows(2).position(|two| two == b"\r\n");
    let head_end = response.windows(4).position(|four| four == b"\r\n\r\n").expect("the head is complete");
    let mut rest = &response[head_end + 4..];
    let mut body = Vec::new();
    while let Some(end) = line_end(rest) {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).expect("a chunk's length");
        rest = &rest[end + 2..];
        if length == 0 {
            return (body, true);
        }
        body.extend(&rest[..length.min(rest.len())]);
        rest = rest.get(length + 2..).unwrap_or_default();
    }
    (body, false)
}

//! Which protocol a visitor speaks: HTTP/2 begins with a preface that HTTP/1 cannot begin with.

use std::io;

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;

use crate::connection::socket::Socket;
use crate::track::timeouts::Protocol;

/// RFC 9113 section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Enough for the head of most requests, so that it is read in one go.
const FIRST_READ_BYTES: usize = 2048;

/// Reads until the protocol is known, and gives back what it read. `None` when the visitor left before.
///
/// It waits as long as the visitor does: the caller has a deadline around it.
pub async fn detect(socket: &mut Socket) -> io::Result<Option<Protocol>> {
    let mut read = BytesMut::with_capacity(FIRST_READ_BYTES);
    loop {
        if socket.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
        if let Some(protocol) = recognise(&read) {
            socket.give_back(read.freeze());
            return Ok(Some(protocol));
        }
    }
}

fn recognise(read: &[u8]) -> Option<Protocol> {
    let common = read.len().min(PREFACE.len());
    if read[..common] != PREFACE[..common] {
        Some(Protocol::Http1)
    } else if common == PREFACE.len() {
        Some(Protocol::Http2)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: &[u8], expected: Option<Protocol>) {
        assert_eq!(recognise(read), expected, "{}", read.escape_ascii());
    }

    #[test]
    fn protocols() {
        check(b"G", Some(Protocol::Http1));
        check(b"P", None);
        check(b"PUT", Some(Protocol::Http1));
        check(b"PRI * HT", None);
        check(b"PRI * HTTP/1.1\r\n", Some(Protocol::Http1));
        check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Protocol::Http2));
        check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0", Some(Protocol::Http2));
    }
}

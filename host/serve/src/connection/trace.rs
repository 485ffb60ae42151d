//! Shows what arrived on a socket, as bytes and as text.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use crate::connection::trace_mask::Mask;
use crate::settings::WireTrace;

/// So much of a burst is shown; the rest is counted.
const BURST_BYTES_MAX: usize = 8 << 10;

/// A pause of this length begins another burst.
const PAUSE: Duration = Duration::from_secs(1);

/// Shows one connection.
pub struct Tracer {
    peer: SocketAddr,
    mask: Mask,
    shown: usize,
    hidden: usize,
    last: Instant,
}

impl Tracer {
    /// At the beginning of a connection.
    pub fn new(peer: SocketAddr, trace: WireTrace) -> Tracer {
        Tracer { peer, mask: Mask::new(trace), shown: 0, hidden: 0, last: Instant::now() }
    }

    /// Shows what one read brought.
    pub fn arrived(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        if now - self.last > PAUSE {
            self.end_burst();
        }
        self.last = now;
        // Even what is not shown goes through the mask: it must know where it is.
        let bytes: Vec<(u8, bool)> = bytes.iter().map(|byte| (*byte, self.mask.hides(*byte))).collect();
        let show = bytes.len().min(BURST_BYTES_MAX - self.shown);
        if show > 0 {
            let (length, text) = (bytes.len(), render(&bytes[..show]));
            info!(target: "guesthouse::wire", "{} sent {length} bytes\n{text}", self.peer);
        }
        self.shown += show;
        self.hidden += bytes.len() - show;
    }

    fn end_burst(&mut self) {
        if self.hidden > 0 {
            info!(target: "guesthouse::wire", "{} sent {} more bytes, not shown", self.peer, self.hidden);
        }
        (self.shown, self.hidden) = (0, 0);
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.end_burst();
    }
}

/// The bytes, sixteen a line, and below them the text, line by line. A secret byte is `**` and `*`.
fn render(bytes: &[(u8, bool)]) -> String {
    let mut text = String::with_capacity(bytes.len() * 5);
    for (at, line) in bytes.chunks(16).enumerate() {
        let _ = write!(text, "  {:06x} ", at * 16);
        for (byte, secret) in line {
            let _ = if *secret { write!(text, " **") } else { write!(text, " {byte:02x}") };
        }
        text.push('\n');
    }
    for line in bytes.split_inclusive(|(byte, _)| *byte == b'\n') {
        let line: Vec<u8> = line.iter().map(|(byte, secret)| if *secret { b'*' } else { *byte }).collect();
        let _ = writeln!(text, "  | {}", line.escape_ascii());
    }
    text.pop();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_are_masked_alike() {
        let mut mask = Mask::new(WireTrace::Masked);
        let sent = b"GET / HTTP/1.1\r\ncookie: a\r\n\r\n";
        let bytes: Vec<(u8, bool)> = sent.iter().map(|byte| (*byte, mask.hides(*byte))).collect();
        let expected = "  \
  000000  47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a
  000010  63 6f 6f 6b 69 65 3a ** ** 0d 0a 0d 0a
  | GET / HTTP/1.1\\r\\n
  | cookie:**\\r\\n
  | \\r\\n";
        assert_eq!(render(&bytes), expected);
    }
}

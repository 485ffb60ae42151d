//! HTTP/2, frame by frame, for what no client's library would send (RFC 9113 section 4, RFC 7541).

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;

use crate::harness::within;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A dynamic table of nothing, so that every status can be read by itself.
const TABLE_OF_NOTHING: &[u8] = &[0, 1, 0, 0, 0, 0];

/// The fields of a plain GET.
pub const GET: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/")];

#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Frame {
        Frame { kind, flags, stream, payload: payload.into() }
    }

    /// A whole request without a body.
    pub fn request(stream: u32, fields: &[(&str, &str)]) -> Frame {
        Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, block(fields))
    }

    /// The head of a request whose body follows.
    pub fn head(stream: u32, fields: &[(&str, &str)]) -> Frame {
        Frame::new(HEADERS, END_HEADERS, stream, block(fields))
    }

    pub fn data(stream: u32, flags: u8, bytes: &[u8]) -> Frame {
        Frame::new(DATA, flags, stream, bytes)
    }

    pub fn reset(stream: u32) -> Frame {
        Frame::new(RST_STREAM, 0, stream, 8_u32.to_be_bytes())
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).expect("a frame is short").to_be_bytes();
        let head = [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes()].concat();
        [&head, &self.payload[..]].concat()
    }

    /// The code of a RST_STREAM, or the one of a GOAWAY.
    pub fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        self.payload.get(at..at + 4).map_or(u32::MAX, |code| u32::from_be_bytes(code.try_into().expect("four bytes")))
    }

    /// The status in a HEADERS frame, when it comes first, as it must.
    pub fn status(&self) -> Option<u16> {
        let mut block = &self.payload[..];
        // Changes of the table's size.
        while let [0x20..0x40, rest @ ..] = block {
            block = rest;
        }
        match block {
            [indexed @ 0x88..=0x8e, ..] => Some([200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)]),
            [0x48 | 0x08 | 0x18, 3, digits @ ..] => str::from_utf8(digits.get(..3)?).ok()?.parse().ok(),
            [0x48 | 0x08 | 0x18, length, coded @ ..] if length & 0x80 != 0 => {
                three_digits(coded.get(..usize::from(length & 0x7f))?)
            }
            _ => None,
        }
    }
}

/// RFC 7541 appendix B, as far as digits go: `0`, `1`, `2` have five bits, the others six.
fn three_digits(coded: &[u8]) -> Option<u16> {
    let mut bits = coded.iter().flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1)));
    let mut status = 0;
    for _ in 0..3 {
        let mut code = 0;
        for _ in 0..5 {
            code = code << 1 | bits.next()?;
        }
        let digit = if code < 3 { code } else { (code << 1 | bits.next()?).checked_sub(0b01_1001)? + 3 };
        status = status * 10 + digit;
    }
    Some(status)
}

/// A header block: every field a literal that is not indexed, nothing compressed.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| literal(name.as_bytes(), value.as_bytes())).collect()
}

/// One field of a header block, of any bytes.
pub fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[0], &string(name)[..], &string(value)].concat()
}

fn string(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.len();
    if rest < 127 {
        bytes.push(rest as u8);
    } else {
        bytes.push(127);
        rest -= 127;
        while rest >= 128 {
            bytes.push((rest % 128) as u8 | 0x80);
            rest /= 128;
        }
        bytes.push(rest as u8);
    }
    bytes.extend_from_slice(text);
    bytes
}

/// A plain GET with these fields besides.
pub fn get_with(fields: &[(&str, &str)]) -> Vec<u8> {
    [block(GET), block(fields)].concat()
}

/// A connection of HTTP/2 by prior knowledge.
pub struct Wire {
    pub read: Reading,
    pub write: Writing,
}

pub struct Reading(BufReader<OwnedReadHalf>);

pub struct Writing(OwnedWriteHalf);

impl Wire {
    /// Connects, and says hello.
    pub async fn connect(address: SocketAddr) -> Wire {
        let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
        let mut wire = Wire { read: Reading(BufReader::new(read)), write: Writing(write) };
        let hello = [PREFACE, &Frame::new(SETTINGS, 0, 0, TABLE_OF_NOTHING).bytes()].concat();
        wire.write.bytes(&hello).await.unwrap();
        wire
    }

    pub async fn send(&mut self, frames: &[Frame]) -> io::Result<()> {
        self.write.frames(frames).await
    }

    /// Asks for `/` and waits for the status.
    pub async fn ask(&mut self, stream: u32) -> Option<u16> {
        self.send(&[Frame::request(stream, GET)]).await.ok()?;
        loop {
            let frame = self.read.next().await?;
            match frame.kind {
                HEADERS if frame.stream == stream => return frame.status(),
                RST_STREAM if frame.stream == stream => return None,
                GOAWAY if frame.code() != 0 => return None,
                _ => {}
            }
        }
    }
}

impl Writing {
    pub async fn frames(&mut self, frames: &[Frame]) -> io::Result<()> {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        self.bytes(&bytes).await
    }

    pub async fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }
}

impl Reading {
    /// The next frame; `None` when the host has closed.
    pub async fn next(&mut self) -> Option<Frame> {
        within("a frame", self.read()).await.ok()
    }

    async fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.0.read_exact(&mut payload).await?;
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }
}

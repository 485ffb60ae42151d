//! Which bytes of what a visitor sends are secret: the values of some header fields.
//!
//! It reads byte by byte, so that it does not matter how the bytes were cut into reads. HTTP/2 packs its fields (RFC 7541);
//! there, the whole payload of a frame that carries fields counts as secret.

use crate::settings::WireTrace;

const SECRET_FIELDS: [&[u8]; 4] = [b"authorization", b"cookie", b"proxy-authorization", b"set-cookie"];

const NAME_BYTES_MAX: usize = 19; // `proxy-authorization`

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frames that carry fields: HEADERS, PUSH_PROMISE, CONTINUATION (RFC 9113 section 6).
const FRAMES_WITH_FIELDS: [u8; 3] = [0x1, 0x5, 0x9];

/// Follows one connection.
pub struct Mask {
    reading: Reading,
}

enum Reading {
    /// Nothing is masked.
    Full,
    /// The HTTP/2 preface, as far as it came.
    Preface(usize),
    /// HTTP/1: a line's name, as far as it came.
    Name { name: [u8; NAME_BYTES_MAX], length: usize, folded_secret: bool },
    /// HTTP/1: a line's value.
    Value { secret: bool },
    /// HTTP/2: a frame's head, as far as it came.
    FrameHead { head: [u8; 9], length: usize },
    /// HTTP/2: so much of a frame's payload is left.
    Payload { left: usize, secret: bool },
}

impl Mask {
    /// At the beginning of a connection.
    pub fn new(trace: WireTrace) -> Mask {
        let reading = match trace {
            WireTrace::Full => Reading::Full,
            WireTrace::Masked => Reading::Preface(0),
        };
        Mask { reading }
    }

    /// Whether the next byte, `byte`, is secret.
    pub fn hides(&mut self, byte: u8) -> bool {
        match &mut self.reading {
            Reading::Full => false,
            Reading::Preface(length) if PREFACE[*length] == byte => {
                *length += 1;
                if *length == PREFACE.len() {
                    self.reading = frame_head();
                }
                false
            }
            Reading::Preface(length) => {
                // Not HTTP/2: the bytes so far began an HTTP/1 line. What it is called does not matter: none of the
                // secret fields begins with `P`.
                self.reading = if *length == 0 { line(false) } else { Reading::Value { secret: false } };
                self.hides_in_line(byte)
            }
            Reading::Name { .. } | Reading::Value { .. } => self.hides_in_line(byte),
            Reading::FrameHead { head, length } => {
                head[*length] = byte;
                *length += 1;
                if *length == head.len() {
                    self.reading = payload(head);
                }
                false
            }
            Reading::Payload { left, secret } => {
                let secret = *secret;
                *left -= 1;
                if *left == 0 {
                    self.reading = frame_head();
                }
                secret
            }
        }
    }

    fn hides_in_line(&mut self, byte: u8) -> bool {
        match &mut self.reading {
            Reading::Name { folded_secret, .. } if byte == b'\n' => {
                let secret = *folded_secret;
                self.reading = line(secret);
                false
            }
            // A line that begins with a space goes on with the value before it (RFC 9112 section 5.2).
            Reading::Name { length: 0, folded_secret, .. } if matches!(byte, b' ' | b'\t') => {
                self.reading = Reading::Value { secret: *folded_secret };
                false
            }
            Reading::Name { name, length, .. } if byte == b':' => {
                let name = name[..*length].trim_ascii_end();
                let secret = SECRET_FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name));
                self.reading = Reading::Value { secret };
                false
            }
            Reading::Name { name, length, .. } if *length < name.len() => {
                name[*length] = byte;
                *length += 1;
                false
            }
            // Longer than any of the secret names, or a request line.
            Reading::Name { .. } => {
                self.reading = Reading::Value { secret: false };
                false
            }
            Reading::Value { secret } => {
                let secret = *secret;
                if byte == b'\n' {
                    self.reading = line(secret);
                }
                secret && !matches!(byte, b'\r' | b'\n')
            }
            _ => false,
        }
    }
}

fn line(folded_secret: bool) -> Reading {
    Reading::Name { name: [0; NAME_BYTES_MAX], length: 0, folded_secret }
}

fn frame_head() -> Reading {
    Reading::FrameHead { head: [0; 9], length: 0 }
}

fn payload(head: &[u8; 9]) -> Reading {
    let left = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    if left == 0 {
        return frame_head();
    }
    Reading::Payload { left, secret: FRAMES_WITH_FIELDS.contains(&head[3]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &[u8], expected: &str) {
        let mut mask = Mask::new(WireTrace::Masked);
        let shown = |byte: &u8| if mask.hides(*byte) { b'*' } else { *byte };
        let shown: Vec<u8> = sent.iter().map(shown).collect();
        assert_eq!(shown.escape_ascii().to_string(), expected);
    }

    #[test]
    fn secret_values_are_hidden() {
        check(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", r"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        check(b"GET /\r\nCookie: a=b\r\nx: y\r\n", r"GET /\r\nCookie:****\r\nx: y\r\n");
        check(b"POST /\r\nAUTHORIZATION:b c\r\n", r"POST /\r\nAUTHORIZATION:***\r\n");
        check(b"G\r\nproxy-authorization: q\r\n", r"G\r\nproxy-authorization:**\r\n");
        check(b"G\r\ncookie : q\n folded\nx: y", r"G\r\ncookie :**\n ******\nx: y");
        check(b"G\r\ncookies: q\r\nxcookie: r\r\n", r"G\r\ncookies: q\r\nxcookie: r\r\n");
    }

    #[test]
    fn packed_fields_are_hidden() {
        let mut sent = PREFACE.to_vec();
        sent.extend_from_slice(b"\0\0\0\x04\0\0\0\0\0\0\0\x02\x01\x05\0\0\0\x01ab\0\0\x01\0\x01\0\0\0\x01z");
        let shown = r"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
        let shown = format!(r"{shown}\x00\x00\x02\x01\x05\x00\x00\x00\x01**\x00\x00\x01\x00\x01\x00\x00\x00\x01z");
        check(&sent, &shown);
    }
}

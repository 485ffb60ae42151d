//! How a command's output goes over the admin socket: each frame is its kind, three zeroes, its length (32 bits, big endian),
//! and its bytes, as in Docker's `attach`. Kinds: 1 stdout, 2 stderr; ours besides: 3 the exit code, 4 why it failed.

use bytes::Buf as _;
use bytes::BufMut as _;
use bytes::Bytes;
use bytes::BytesMut;
use guesthouse_app::command::Frame;

const HEAD_BYTES: usize = 8;

/// A frame that claims more is none of ours.
const FRAME_BYTES_MAX: usize = 1 << 20;

/// What arrives is not what a host sends.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("what the host sent is no frame of a command (another version of guesthouse?)")]
pub struct NoFrame;

/// One frame as bytes.
pub fn encode(frame: &Frame) -> Bytes {
    let code;
    let (kind, bytes): (u8, &[u8]) = match frame {
        Frame::Stdout(bytes) => (1, bytes),
        Frame::Stderr(bytes) => (2, bytes),
        Frame::Exit(exit) => {
            code = [*exit];
            (3, &code)
        }
        Frame::Failed(why) => (4, why.as_bytes()),
    };
    let mut out = BytesMut::with_capacity(HEAD_BYTES + bytes.len());
    out.put_u32(u32::from(kind) << 24);
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
    out.freeze()
}

/// Takes the first whole frame out of what has arrived, if there is one.
pub fn decode(arrived: &mut BytesMut) -> Result<Option<Frame>, NoFrame> {
    let Some((head, _)) = arrived.split_first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let [kind, 0, 0, 0, length @ ..] = *head else { return Err(NoFrame) };
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(NoFrame);
    }
    if arrived.len() < HEAD_BYTES + length {
        return Ok(None);
    }
    arrived.advance(HEAD_BYTES);
    let bytes = arrived.split_to(length).freeze();
    match (kind, &bytes[..]) {
        (1, _) => Ok(Some(Frame::Stdout(bytes))),
        (2, _) => Ok(Some(Frame::Stderr(bytes))),
        (3, [code]) => Ok(Some(Frame::Exit(*code))),
        (4, _) => Ok(Some(Frame::Failed(String::from_utf8_lossy(&bytes).into_owned()))),
        _ => Err(NoFrame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let all = [
            Frame::Stdout(Bytes::from_static(b"hello\n")),
            Frame::Stderr(Bytes::new()),
            Frame::Exit(7),
            Frame::Failed("it ended".to_owned()),
        ];
        let wire: Vec<u8> = all.iter().flat_map(|frame| encode(frame).to_vec()).collect();
        let (mut arrived, mut found) = (BytesMut::new(), Vec::new());
        for byte in wire {
            arrived.put_u8(byte);
            found.extend(decode(&mut arrived).unwrap());
        }
        assert_eq!(found, all);
    }

    #[test]
    fn what_is_no_frame_is_told() {
        for wire in
            [&b"HTTP/1.1"[..], &[9, 0, 0, 0, 0, 0, 0, 0], &[1, 0, 0, 0, 255, 0, 0, 0], &[3, 0, 0, 0, 0, 0, 0, 0]]
        {
            assert_eq!(decode(&mut BytesMut::from(wire)), Err(NoFrame), "{wire:?}");
        }
    }
}

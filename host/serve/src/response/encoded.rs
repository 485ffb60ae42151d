//! A body on its way through a compressor: every piece can be read by the visitor before the next one is waited for.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use guesthouse_app::app::Broken;
use guesthouse_app::coding::Coding;
use guesthouse_sandbox::fault::Fault;
use http_body::Body;
use http_body::Frame;

use crate::compress::encoder::Encoder;
use crate::compress::encoder::Permit;
use crate::response::declared_length::DeclaredLength;

/// How much is compressed before the thread is given to somebody else: about a millisecond's work.
const TURN_BYTES: usize = 64 << 10;

/// From this length on, what was written goes out, whether or not more can be had at once.
const PIECE_BYTES: usize = 16 << 10;

/// A compressed body. When the body inside breaks off, so does this one: what ends a compressed text is never written, and
/// the error is passed on.
pub struct Encoded<B> {
    body: B,
    /// Holds for the body inside.
    declared_length: DeclaredLength,
    /// `None` when the end was written, or never will be.
    encoder: Option<(Encoder, Permit)>,
    /// What came from inside and is not compressed yet.
    input: Bytes,
    /// What was compressed since we last gave way.
    worked: usize,
    /// Whether something was taken in since the last flush.
    is_dirty: bool,
    /// Trailers, which follow the end of the data.
    last: Option<Frame<Bytes>>,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Broken>>>;

impl<B> Encoded<B>
where
    B: Body<Data = Bytes, Error = Broken> + Unpin,
{
    /// Compresses `body`, of which the head promised the length that `declared_length` knows.
    pub fn new(body: B, declared_length: DeclaredLength, coding: Coding, permit: Permit) -> io::Result<Encoded<B>> {
        let length = body.size_hint().exact().or(declared_length.left());
        let encoder = Some((Encoder::new(coding, length)?, permit));
        Ok(Encoded { body, declared_length, encoder, input: Bytes::new(), worked: 0, is_dirty: false, last: None })
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Polled {
        loop {
            let Some((encoder, _)) = &mut self.encoder else {
                return Poll::Ready(self.last.take().map(Ok));
            };
            let is_turn_over = self.worked >= TURN_BYTES;
            if encoder.written().len() >= PIECE_BYTES || (is_turn_over && !encoder.written().is_empty()) {
                return piece(std::mem::take(encoder.written()));
            }
            if is_turn_over {
                self.worked = 0;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !self.input.is_empty() {
                let slice = self.input.split_to(self.input.len().min(TURN_BYTES - self.worked));
                self.worked += slice.len();
                self.is_dirty = true;
                encoder.write(&slice).map_err(unwritable)?;
                continue;
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => self.take_in(frame)?,
                Poll::Ready(Some(Err(broken))) => return Poll::Ready(Some(Err(broken))),
                Poll::Ready(None) => {
                    self.declared_length.end()?;
                    return self.finish();
                }
                Poll::Pending => {
                    self.worked = 0;
                    if !std::mem::take(&mut self.is_dirty) {
                        return Poll::Pending;
                    }
                    // Whoever waits for more has seen all that there is.
                    encoder.flush().map_err(unwritable)?;
                    return piece(std::mem::take(encoder.written()));
                }
            }
        }
    }

    fn take_in(&mut self, frame: Frame<Bytes>) -> Result<(), Broken> {
        match frame.into_data() {
            Ok(data) => {
                self.declared_length.count(data.len() as u64)?;
                self.input = data;
            }
            Err(trailers) => self.last = Some(trailers),
        }
        Ok(())
    }

    fn finish(&mut self) -> Polled {
        match self.encoder.take().map(|(encoder, _permit)| encoder.finish()) {
            Some(rest) => piece(rest.map_err(unwritable)?),
            None => Poll::Ready(None),
        }
    }
}

fn piece(bytes: Vec<u8>) -> Polled {
    Poll::Ready(Some(Ok(Frame::data(Bytes::from(bytes)))))
}

/// Writing into memory does not fail, unless a compressor finds none for itself.
fn unwritable(error: io::Error) -> Broken {
    Broken::Guest(Fault::BadResponse(format!("it could not be compressed: {error}")))
}

impl<B> Body for Encoded<B>
where
    B: Body<Data = Bytes, Error = Broken> + Unpin,
{
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let polled = self.poll_piece(context);
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.encoder = None;
            self.last = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.last.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::Read as _;
    use std::io::Write as _;
    use std::task::Waker;

    use guesthouse_app::coding::ALL;
    use http::HeaderMap;

    use super::*;
    use std::sync::Arc;

    use guesthouse_app::places::pace::Pace;
    use guesthouse_app::places::pace::Visitor;

    use crate::compress::encoder::Encoders;

    /// What a body does, step by step.
    enum Step {
        Data(Vec<u8>),
        Trailers,
        Wait,
        Fail,
    }

    struct Script(VecDeque<Step>);

    impl Body for Script {
        type Data = Bytes;
        type Error = Broken;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Polled {
            Poll::Ready(match self.0.pop_front() {
                Some(Step::Data(data)) => Some(Ok(Frame::data(Bytes::from(data)))),
                Some(Step::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
                Some(Step::Wait) => return Poll::Pending,
                Some(Step::Fail) => Some(Err(Broken::Guest(Fault::Retired))),
                None => None,
            })
        }
    }

    fn encoded(coding: Coding, promised: Option<u64>, steps: Vec<Step>) -> Encoded<Script> {
        let permit = Encoders::new(2).permit(&Arc::new(Pace::new(Visitor::of(None)))).unwrap();
        Encoded::new(Script(steps.into()), DeclaredLength::new(promised), coding, permit).unwrap()
    }

    fn poll(body: &mut Encoded<Script>) -> Polled {
        Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
    }

    /// What can be read of `bytes`, and whether that is all.
    fn decoded(coding: Coding, bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let whole = match coding {
            Coding::Gzip => {
                let mut decoder = flate2::write::GzDecoder::new(&mut text);
                decoder.write_all(bytes).unwrap();
                decoder.flush().unwrap();
                decoder.try_finish().is_ok()
            }
            Coding::Brotli => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut text).is_ok(),
            Coding::Zstd => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut text).is_ok(),
        };
        (text, whole)
    }

    /// Everything that comes, with the times that it gave way; `Err` when it broke off.
    fn drained(body: &mut Encoded<Script>) -> Result<(Vec<u8>, usize), (Vec<u8>, Broken)> {
        let (mut all, mut pauses) = (Vec::new(), 0);
        loop {
            match poll(body) {
                Poll::Ready(Some(Ok(frame))) => all.extend(frame.into_data().unwrap_or_default()),
                Poll::Ready(Some(Err(broken))) => return Err((all, broken)),
                Poll::Ready(None) => return Ok((all, pauses)),
                Poll::Pending => pauses += 1,
            }
        }
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let step = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..length).map(step).collect()
    }

    #[test]
    fn a_piece_can_be_read_before_the_next_one_comes() {
        for coding in ALL {
            let steps = vec![Step::Data(b"first".to_vec()), Step::Wait, Step::Data(b" last".to_vec())];
            let mut body = encoded(coding, Some(10), steps);
            let Poll::Ready(Some(Ok(frame))) = poll(&mut body) else { panic!("{coding:?}: nothing came") };
            let mut sent = frame.into_data().unwrap().to_vec();
            assert_eq!(decoded(coding, &sent), (b"first".to_vec(), false), "{coding:?}");
            sent.extend(drained(&mut body).unwrap().0);
            assert_eq!(decoded(coding, &sent), (b"first last".to_vec(), true), "{coding:?}");
            assert!(body.is_end_stream());
        }
    }

    #[test]
    fn large_pieces_come_out_as_they_went_in_and_give_way_every_64_kib() {
        for coding in ALL {
            let text = [noise(300_000), vec![b'a'; 700_000]].concat();
            let steps = vec![Step::Data(text[..999_999].to_vec()), Step::Data(text[999_999..].to_vec())];
            let (sent, pauses) = drained(&mut encoded(coding, None, steps)).unwrap();
            assert_eq!(decoded(coding, &sent), (text, true), "{coding:?}");
            assert_eq!(pauses, 1_000_000 / TURN_BYTES, "{coding:?}");
        }
    }

    #[test]
    fn a_length_that_is_known_beforehand_changes_nothing_for_the_reader() {
        for coding in ALL {
            for length in [0, 1, 1000, 1024, 65_536, 300_000] {
                let text = noise(length);
                let mut body = encoded(coding, Some(length as u64), vec![Step::Data(text.clone()), Step::Wait]);
                assert_eq!(decoded(coding, &drained(&mut body).unwrap().0), (text, true), "{coding:?} {length}");
            }
        }
    }

    #[test]
    fn trailers_follow_the_end_of_the_data() {
        let mut body = encoded(Coding::Gzip, None, vec![Step::Data(b"text".to_vec()), Step::Trailers]);
        let Poll::Ready(Some(Ok(data))) = poll(&mut body) else { panic!("no data") };
        assert_eq!(decoded(Coding::Gzip, &data.into_data().unwrap()), (b"text".to_vec(), true));
        assert!(!body.is_end_stream());
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(frame))) if frame.is_trailers()));
        assert!(body.is_end_stream() && matches!(poll(&mut body), Poll::Ready(None)));
    }

    #[test]
    fn what_breaks_off_inside_never_looks_whole() {
        for coding in ALL {
            let broken = |promised, steps| match drained(&mut encoded(coding, promised, steps)) {
                Err((sent, broken)) => {
                    assert!(!decoded(coding, &sent).1, "{coding:?}: what broke off looks whole");
                    broken.to_string()
                }
                Ok(_) => panic!("{coding:?}: it did not break off"),
            };
            let text = || Step::Data(noise(100_000));
            assert!(broken(None, vec![text(), Step::Fail]).contains("retired"));
            assert!(broken(Some(100_001), vec![text()]).contains("1 bytes before"));
            assert!(broken(Some(99_999), vec![text()]).contains("longer than"));
            let mut body = encoded(coding, None, vec![Step::Fail]);
            assert!(drained(&mut body).is_err() && body.is_end_stream());
        }
    }
}

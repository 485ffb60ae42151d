//! Watches over the lines of chunked bodies (RFC 9112 section 7.1), where hyper takes a bare line feed in the trailer section
//! for a line's end or for none, so that another reader's next request would be this one's trailer.
//!
//! hyper alone decides what a head is, and which body follows it; it says so when it hands a request over. For the watch to
//! know where a chunked body begins, hyper gets no byte beyond the head of a request that may have one: from the word
//! `chunked` on, bytes are handed over up to the next empty line at most. Without that word nothing is held back, and all
//! that is done is to look for it.

use std::io;

use memchr::memchr;
use memchr::memchr2;

/// No body is chunked without it.
const WORD: &[u8] = b"chunked";

/// Where the `k` stands in it: few other words have one.
const MARK_AT: usize = 4;

/// The bytes of a connection of HTTP/1, as they are handed over to hyper.
#[derive(Debug, Default)]
pub struct Chunks {
    /// How many were handed over.
    handed: u64,
    /// How many had been, before those that were handed over last.
    handed_before: u64,
    /// Up to here they are a body whose length is known. It may be longer: where its head ended is known to one read.
    body_until: u64,
    state: State,
}

/// What a request's body is, as hyper has read its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No head that is under way has the word so far. The last bytes may be its beginning.
    Without { last: [u8; WORD.len() - 1] },
    /// The word came: any empty line may be the end of a chunked request's head.
    With(Line),
    /// A chunked body.
    Body(Chunk),
}

/// What the last bytes of a head's lines were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Part of a line.
    Within,
    /// A line's end.
    Ended,
    /// A line's end and a carriage return.
    Return,
}

/// Where in a chunked body it is. What hyper refuses by itself is not looked at: then nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// In the digits of a size.
    Size(u64),
    /// In what follows them on their line.
    Extension(u64),
    /// So much of a chunk is left, with the line's end that follows it.
    Data(u64),
    /// At the beginning of a line of the trailer section.
    TrailerStart,
    /// In such a line.
    Trailer,
    /// A carriage return came, which ends such a line.
    TrailerReturn,
    /// A carriage return came at its beginning: with its line feed, the body has ended.
    LastReturn,
}

impl Default for State {
    fn default() -> State {
        State::Without { last: [0; WORD.len() - 1] }
    }
}

impl Chunks {
    /// hyper has read a head, and this follows it. Of several that it read at once, the last one.
    pub fn follows(&mut self, framing: Framing) {
        match framing {
            // The head ended somewhere in what was handed over last: hyper reads no further before it has looked at that.
            Framing::Length(bytes) => self.body_until = self.handed_before.saturating_add(bytes),
            // It ended with the last byte.
            Framing::Chunked => self.state = State::Body(Chunk::Size(0)),
        }
    }

    /// How many of `bytes`, which are those that come next, may be handed over. Not all of them: the others are to be
    /// offered again. An error when the first is a bare line feed in a trailer section.
    pub fn pass(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let known = usize::try_from(self.body_until.saturating_sub(self.handed + at as u64)).unwrap_or(usize::MAX);
            if known > 0 && !matches!(self.state, State::Body(_)) {
                at += known.min(bytes.len() - at);
                self.state = match self.state {
                    State::With(_) => State::With(Line::Ended),
                    _ => State::default(),
                };
                continue;
            }
            let rest = &bytes[at..];
            match &mut self.state {
                State::Without { last } => match word_end(last, rest) {
                    Some(end) => {
                        at += end;
                        self.state = State::With(Line::Within);
                    }
                    None => at = bytes.len(),
                },
                State::With(line) => {
                    let (passed, is_empty_line) = head_lines(line, rest);
                    at += passed;
                    if is_empty_line {
                        break;
                    }
                }
                State::Body(chunk) => match body(chunk, rest) {
                    Passed::All => at = bytes.len(),
                    Passed::Whole(length) => {
                        at += length;
                        self.state = State::default();
                    }
                    Passed::BareLineFeed(0) if at == 0 => {
                        let why = "a bare line feed in the trailer section of a chunked body";
                        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                    }
                    Passed::BareLineFeed(length) => {
                        at += length;
                        break;
                    }
                },
            }
        }
        self.handed_before = self.handed;
        self.handed += at as u64;
        Ok(at)
    }
}

/// Where the word ends in `bytes`, of which `last` are those before. Keeps the last ones for the next time.
fn word_end(last: &mut [u8; WORD.len() - 1], bytes: &[u8]) -> Option<usize> {
    let is_word = |window: &[u8]| window.eq_ignore_ascii_case(WORD);
    let kept = last.len();
    // What lies across the seam.
    let mut seam = [0; 2 * (WORD.len() - 1)];
    let first = bytes.len().min(kept);
    seam[..kept].copy_from_slice(last);
    seam[kept..kept + first].copy_from_slice(&bytes[..first]);
    let across = seam[..kept + first].windows(WORD.len()).position(is_word).map(|at| at + WORD.len() - kept);
    let within = || {
        let mut from = 0;
        while let Some(mark) = memchr2(b'k', b'K', &bytes[from..]).map(|mark| from + mark) {
            from = mark + 1;
            let Some(start) = mark.checked_sub(MARK_AT) else { continue };
            if bytes.get(start..start + WORD.len()).is_some_and(is_word) {
                return Some(start + WORD.len());
            }
        }
        None
    };
    if let Some(end) = across.or_else(within) {
        return Some(end);
    }
    last.copy_from_slice(&seam[first..first + kept]);
    if let Some(tail) = bytes.last_chunk() {
        *last = *tail;
    }
    None
}

/// Goes through a head's lines up to the end of an empty one, if there is one: how many bytes, and whether there was.
fn head_lines(line: &mut Line, bytes: &[u8]) -> (usize, bool) {
    let mut at = 0;
    while at < bytes.len() {
        (*line, at) = match (*line, bytes[at]) {
            (Line::Ended | Line::Return, b'\n') => {
                *line = Line::Ended;
                return (at + 1, true);
            }
            (Line::Ended, b'\r') => (Line::Return, at + 1),
            _ => match memchr(b'\n', &bytes[at..]) {
                Some(end) => (Line::Ended, at + end + 1),
                None => (Line::Within, bytes.len()),
            },
        };
    }
    (at, false)
}

enum Passed {
    /// All of it was of the body.
    All,
    /// The body ends after so many bytes.
    Whole(usize),
    /// After so many there is a bare line feed.
    BareLineFeed(usize),
}

fn body(chunk: &mut Chunk, bytes: &[u8]) -> Passed {
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        *chunk = match (*chunk, byte) {
            (Chunk::Data(left), _) => {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += length;
                *chunk = if left == length as u64 { Chunk::Size(0) } else { Chunk::Data(left - length as u64) };
                continue;
            }
            (Chunk::Size(0) | Chunk::Extension(0), b'\n') => Chunk::TrailerStart,
            (Chunk::Size(size) | Chunk::Extension(size), b'\n') => Chunk::Data(size.saturating_add(2)),
            (Chunk::Size(size), _) => match char::from(byte).to_digit(16) {
                Some(digit) => Chunk::Size(size.saturating_mul(16).saturating_add(digit.into())),
                None => Chunk::Extension(size),
            },
            (Chunk::Extension(size), _) => Chunk::Extension(size),
            (Chunk::LastReturn, b'\n') => return Passed::Whole(at + 1),
            (Chunk::TrailerReturn, b'\n') => Chunk::TrailerStart,
            (Chunk::TrailerStart | Chunk::Trailer, b'\n') => return Passed::BareLineFeed(at),
            (Chunk::TrailerStart, b'\r') => Chunk::LastReturn,
            (Chunk::Trailer, b'\r') => Chunk::TrailerReturn,
            (Chunk::TrailerStart | Chunk::Trailer | Chunk::TrailerReturn | Chunk::LastReturn, _) => Chunk::Trailer,
        };
        at += 1;
    }
    Passed::All
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::Just;
    use proptest::prelude::Strategy;
    use proptest::prelude::any;
    use proptest::prop_oneof;
    use proptest::proptest;
    use proptest::sample::select;

    use super::*;

    /// One request: its head, and what follows it.
    #[derive(Clone, Debug)]
    struct Sent {
        head: String,
        framing: Option<Framing>,
        body: Vec<u8>,
    }

    /// Hands `bytes` over in pieces of at most `cuts` bytes, as to a reader who reads no further than it must: as long as
    /// there is something to be looked at, nothing is read. Returns how many bytes it got, and whether all was well.
    fn hand_over(sent: &[Sent], cuts: &[usize]) -> (usize, io::Result<()>) {
        let bytes: Vec<u8> = sent.iter().flat_map(|sent| [sent.head.as_bytes(), &sent.body].concat()).collect();
        let mut chunks = Chunks::default();
        let mut cuts = cuts.iter().cycle();
        let mut handed = 0;
        let mut at = 0;
        for Sent { head, framing, body } in sent {
            let head_end = at + head.len();
            let mut read = |handed: &mut usize, chunks: &mut Chunks| {
                let end = bytes.len().min(*handed + (*cuts.next().unwrap()).max(1));
                chunks.pass(&bytes[*handed..end]).map(|passed| *handed += passed)
            };
            while handed < head_end {
                if let Err(error) = read(&mut handed, &mut chunks) {
                    return (handed, Err(error));
                }
            }
            if let Some(framing) = *framing {
                assert!(framing != Framing::Chunked || handed == head_end, "{} bytes too many", handed - head_end);
                chunks.follows(framing);
            }
            at = head_end + body.len();
            while handed < at {
                if let Err(error) = read(&mut handed, &mut chunks) {
                    return (handed, Err(error));
                }
            }
        }
        (handed, Ok(()))
    }

    fn chunked(body: &str) -> Sent {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: Chunked\r\n\r\n".to_owned();
        Sent { head, framing: Some(Framing::Chunked), body: body.as_bytes().to_vec() }
    }

    fn plain() -> Sent {
        Sent { head: "GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), framing: None, body: Vec::new() }
    }

    /// The body passes up to `passes`, however it is cut.
    fn check(body: &str, passes: Option<usize>) {
        for cut in [1, 2, 3, 7, 10_000] {
            for before in [vec![], vec![plain()], vec![chunked("0\r\n\r\n"), plain()]] {
                let sent = [&before[..], &[chunked(body), plain()]].concat();
                let until = |sent: &[Sent]| sent.iter().map(|sent| sent.head.len() + sent.body.len()).sum::<usize>();
                let (handed, found) = hand_over(&sent, &[cut]);
                let expected = match passes {
                    Some(bytes) => until(&before) + chunked("").head.len() + bytes,
                    None => until(&sent),
                };
                assert_eq!((handed, found.is_err()), (expected, passes.is_some()), "{body:?} in {cut}s");
            }
        }
    }

    #[test]
    fn a_bare_line_feed_ends_no_line_of_a_trailer_section() {
        check("0\r\n\r\n", None);
        check("5\r\nhello\r\n0\r\n\r\n", None);
        check("5\r\n\n\n\r\n\n\r\n0\r\n\r\n", None);
        check("A;x=\"\r\n0123456789\r\n000;y\r\na: b\r\nc:\r\n\r\n", None);
        check("0\r\n\n", Some(3));
        check("5\r\nhello\r\n0\r\n\njunk\r\n\r\n", Some(13));
        check("0\r\nx: y\n\n", Some(7));
        check("0\r\nx: y\r\n\n", Some(9));
        check("0\r\nx: y\na: b\r\n\r\n", Some(7));
        check("0;x\r\nx: y\r\na: b\n\r\n", Some(15));
    }

    #[test]
    fn a_word_is_found_however_it_is_cut() {
        let text = b"x-k: kk\r\ntransfer-encoding: chunkechunCHUNKED\r\n";
        let end = text.len() - 2;
        for first in 0..text.len() {
            for second in first..text.len() {
                let mut last = [0; WORD.len() - 1];
                let mut at = 0;
                let mut found = None;
                for piece in [&text[..first], &text[first..second], &text[second..]] {
                    found = found.or_else(|| word_end(&mut last, piece).map(|end| at + end));
                    at += piece.len();
                }
                assert_eq!(found, Some(end), "{first} {second}");
            }
        }
        assert_eq!(word_end(&mut [0; WORD.len() - 1], b"chunke d"), None);
    }

    fn any_request() -> impl Strategy<Value = Sent> {
        const WORDS: &[&str] =
            &["chunked", "chunk", "ed", "CHUNKED", "\n\n", "\r\n\r\n", "\n", "transfer-encoding: chunked\r\n\r\n", "x"];
        const LINES: &[&str] = &["x: y\r\n", "cookie: chunked\r\n", "y: chunkchunked\n", "z:\r\n"];
        let lines = vec(select(LINES), 0..3).prop_map(|lines| lines.concat());
        let text = vec(select(WORDS), 0..6).prop_map(|words| words.concat());
        let follows = prop_oneof![
            Just((None, Vec::new())),
            text.clone().prop_map(|text| (Some(Framing::Length(text.len() as u64)), text.into_bytes())),
            (vec(text, 0..3), select(&["", "a: b\r\n", "a: b\r\nc: chunked\r\n"][..])).prop_map(
                |(pieces, trailers)| {
                    let pieces = pieces.iter().filter(|piece| !piece.is_empty());
                    let chunks: String = pieces.map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
                    (Some(Framing::Chunked), format!("{chunks}0\r\n{trailers}\r\n").into_bytes())
                }
            ),
        ];
        (any::<bool>(), lines, follows).prop_map(|(is_led, lines, (framing, body))| {
            let led = if is_led { "\r\n" } else { "" };
            let coding = if framing == Some(Framing::Chunked) { "transfer-encoding: chunked\r\n" } else { "" };
            Sent { head: format!("{led}GET / HTTP/1.1\r\n{coding}{lines}\r\n"), framing, body }
        })
    }

    proptest! {
        #[test]
        fn whatever_is_well_formed_passes(sent in vec(any_request(), 1..5), cuts in vec(1_usize..80, 1..6)) {
            let all: usize = sent.iter().map(|sent| sent.head.len() + sent.body.len()).sum();
            let (handed, found) = hand_over(&sent, &cuts);
            assert!(found.is_ok() && handed == all, "{handed} of {all}: {found:?}");
        }
    }
}

//! HTTP/2, frame by frame: one case each connection, and what became of its first stream (RFC 9113).

use std::net::SocketAddr;

use guesthouse::host::HostEnd;
use guesthouse_test_guests as guest;

use crate::conformance::http2_frames;
use crate::conformance::http2_messages;
use crate::harness::frames::DATA;
use crate::harness::frames::END_STREAM;
use crate::harness::frames::Frame;
use crate::harness::frames::GET;
use crate::harness::frames::GOAWAY;
use crate::harness::frames::HEADERS;
use crate::harness::frames::RST_STREAM;
use crate::harness::frames::Wire;
use crate::harness::host::TestHost;

/// The stream on which the next request is sent, to see whether the connection goes on.
const NEXT: u32 = 1001;

/// What becomes of the first stream.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// A whole answer with this status; the connection goes on.
    Answer(u16),
    /// A reset with this code (RFC 9113 section 7); the connection goes on.
    Reset(u32),
    /// The connection is ended with this code.
    Goaway(u32),
    /// The connection is ended without a word.
    Silence,
}

/// A case and its claim.
pub struct Case {
    pub name: String,
    frames: Vec<Frame>,
    expected: End,
    sees: Vec<String>,
    hides: Vec<String>,
    /// Where we do something else than what the RFC says: a key in `docs/conformance.md`.
    pub deviation: Option<&'static str>,
}

/// A case that must come to this end.
pub fn case(name: impl Into<String>, frames: impl Into<Vec<Frame>>, expected: End) -> Case {
    let (name, frames) = (name.into(), frames.into());
    Case { name, frames, expected, sees: Vec::new(), hides: Vec::new(), deviation: None }
}

impl Case {
    /// The answer's body has this text.
    pub fn sees(mut self, text: impl Into<String>) -> Case {
        self.sees.push(text.into());
        self
    }

    /// The answer's body does not have this text.
    pub fn hides(mut self, text: impl Into<String>) -> Case {
        self.hides.push(text.into());
        self
    }

    /// We deviate, and say why.
    pub fn deviates(self, key: &'static str) -> Case {
        Case { deviation: Some(key), ..self }
    }

    async fn run(&self, address: SocketAddr) -> Result<(), String> {
        let mut wire = Wire::connect(address).await;
        // The host may end the connection while we send.
        let _ = wire.send(&self.frames).await;
        let (end, body) = end_of_first(&mut wire).await;
        if end != self.expected {
            return Err(format!("{end:?} instead of {:?}; {body}", self.expected));
        }
        if let Some(missing) = self.sees.iter().find(|text| !body.contains(*text)) {
            return Err(format!("does not show {missing:?}; {body}"));
        }
        if let Some(hidden) = self.hides.iter().find(|text| body.contains(*text)) {
            return Err(format!("{hidden:?} came through"));
        }
        let next = wire.ask(NEXT).await;
        let goes_on = matches!(self.expected, End::Answer(_) | End::Reset(_));
        if (next == Some(200)) != goes_on {
            return Err(format!("after {end:?}, the next request has the status {next:?}"));
        }
        Ok(())
    }
}

async fn end_of_first(wire: &mut Wire) -> (End, String) {
    let (mut status, mut body) = (0, Vec::new());
    while let Some(frame) = wire.read.next().await {
        match frame.kind {
            GOAWAY => return (End::Goaway(frame.code()), String::new()),
            RST_STREAM if frame.stream == 1 => return (End::Reset(frame.code()), format!("after the status {status}")),
            HEADERS if frame.stream == 1 => status = frame.status().unwrap_or(status),
            DATA if frame.stream == 1 => body.extend_from_slice(&frame.payload),
            _ => {}
        }
        if frame.stream == 1 && matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
            return (End::Answer(status), String::from_utf8_lossy(&body).into_owned());
        }
    }
    (End::Silence, String::new())
}

/// Goes through a table, and prints each verdict.
async fn check(table: &str, cases: Vec<Case>) {
    let host = TestHost::new()
        .app("index", guest::bytes(guest::ENVIRON))
        .app("bad-never", guest::bytes(guest::BAD_NEVER))
        .run()
        .await;
    let mut failed = Vec::new();
    for case in &cases {
        let verdict = case.run(host.address).await;
        let word = if verdict.is_ok() { "passed" } else { "FAILED" };
        println!("conformance {word} {table:<10} {} → {:?}", case.name, case.expected);
        failed.extend(verdict.err().map(|why| format!("{}: {why}", case.name)));
    }
    assert!(failed.is_empty(), "{table}: {} of {} failed:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_messages_are_held_to_the_same_claims() {
    check("h2 messages", http2_messages::cases()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_frames_that_break_the_rules_end_their_stream_or_the_connection() {
    check("h2 frames", http2_frames::cases()).await;
}

/// The hundredth stream is taken, and one more is refused, so that its sender may try again (RFC 9113 section 8.7).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_has_a_hundred_streams() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    let mut wire = Wire::connect(host.address).await;
    let heads: Vec<Frame> = (0..101).map(|at| Frame::head(2 * at + 1, GET)).collect();
    wire.send(&heads).await.unwrap();
    let refused = loop {
        let frame = wire.read.next().await.expect("the connection goes on");
        if frame.kind == RST_STREAM {
            break frame;
        }
    };
    assert_eq!((refused.stream, refused.code()), (201, 7));
    let ends: Vec<Frame> = (0..100).map(|at| Frame::data(2 * at + 1, END_STREAM, b"x")).collect();
    wire.send(&ends).await.unwrap();
    let mut answered = 0;
    while answered < 100 {
        let frame = wire.read.next().await.expect("the connection goes on");
        answered += usize::from(frame.kind == HEADERS && frame.status() == Some(200));
    }
}

/// A stream's window holds from the start, the connection's from the host's first words on: therefore a request first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_beyond_its_window_ends_its_stream() {
    let host = TestHost::new()
        .app("index", guest::bytes(guest::ENVIRON))
        .app("bad-never", guest::bytes(guest::BAD_NEVER))
        .run()
        .await;
    let mut wire = Wire::connect(host.address).await;
    assert_eq!(wire.ask(1).await, Some(200));
    let unread = Frame::head(3, http2_frames::NEVER);
    wire.send(&[vec![unread], vec![Frame::data(3, 0, &[b'x'; 16_384]); 10]].concat()).await.unwrap();
    let reset = loop {
        let frame = wire.read.next().await.expect("the connection goes on");
        if frame.kind == RST_STREAM {
            break frame;
        }
    };
    // FLOW_CONTROL_ERROR.
    assert_eq!((reset.stream, reset.code()), (3, 3));
    assert_eq!(wire.ask(5).await, Some(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_says_goaway_and_lets_a_stream_end() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    let mut wire = Wire::connect(host.address).await;
    assert_eq!(wire.ask(1).await, Some(200));
    wire.send(&[Frame::head(3, GET), Frame::data(3, 0, b"first ")]).await.unwrap();
    // The host has the head when it answers what was sent after it.
    assert_eq!(wire.ask(5).await, Some(200));
    let visit = async {
        let goaway = loop {
            let frame = wire.read.next().await.expect("a word before the end");
            if frame.kind == GOAWAY {
                break frame;
            }
        };
        assert_eq!(goaway.code(), 0);
        wire.send(&[Frame::data(3, END_STREAM, b"last")]).await.unwrap();
        let mut body = Vec::new();
        while let Some(frame) = wire.read.next().await {
            if frame.kind == DATA && frame.stream == 3 {
                body.extend_from_slice(&frame.payload);
            }
        }
        String::from_utf8_lossy(&body).into_owned()
    };
    let ((_, end), body) = tokio::join!(host.stop(), visit);
    assert!(body.contains("body: first last\n"), "{body}");
    assert_eq!(end, HostEnd::Stopped { cut: 0 });
}

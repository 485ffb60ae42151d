//! Bodies on HTTP/2 that nobody reads: whom they hold up, and how their senders come to their answers.

use std::collections::HashMap;

use guesthouse_test_guests as guest;

use crate::harness::frames::ACK;
use crate::harness::frames::DATA;
use crate::harness::frames::END_STREAM;
use crate::harness::frames::Frame;
use crate::harness::frames::GOAWAY;
use crate::harness::frames::HEADERS;
use crate::harness::frames::RST_STREAM;
use crate::harness::frames::SETTINGS;
use crate::harness::frames::WINDOW_UPDATE;
use crate::harness::frames::Wire;
use crate::harness::host::Running;
use crate::harness::host::TestHost;

/// RFC 9113 section 6.9.2: of a stream and of a connection, until something else is said.
const WINDOW_AT_FIRST: u64 = 65_535;

const FRAME_BYTES: u64 = 16_384;

/// A sender who keeps to the windows, and takes down what comes.
struct Sender {
    wire: Wire,
    window: u64,
    windows: HashMap<u32, u64>,
    window_of_streams: u64,
    statuses: HashMap<u32, u16>,
    received: HashMap<u32, usize>,
    ended: Vec<u32>,
    resets: HashMap<u32, u32>,
}

impl Sender {
    /// Knows the host's settings when it returns: h2 sends them before it answers ours.
    async fn connect(host: &Running) -> Sender {
        let mut sender = Sender {
            wire: Wire::connect(host.address).await,
            window: WINDOW_AT_FIRST,
            windows: HashMap::new(),
            window_of_streams: WINDOW_AT_FIRST,
            statuses: HashMap::new(),
            received: HashMap::new(),
            ended: Vec::new(),
            resets: HashMap::new(),
        };
        // Its own window is announced with its first words, at the latest with its first answer.
        sender.post(1, "/echo/").await;
        sender.wire.send(&[Frame::data(1, END_STREAM, b"")]).await.unwrap();
        while !sender.ended.contains(&1) {
            sender.next().await;
        }
        sender
    }

    async fn post(&mut self, stream: u32, path: &str) {
        let head = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
        self.wire.send(&[Frame::head(stream, &head)]).await.unwrap();
        self.windows.insert(stream, self.window_of_streams);
    }

    /// Sends as much of `bytes` as the windows have room for; returns how much it was.
    async fn fill(&mut self, stream: u32, bytes: u64) -> u64 {
        let length = bytes.min(self.window).min(self.windows[&stream]);
        let mut left = length;
        while left > 0 {
            let piece = left.min(FRAME_BYTES);
            self.wire.send(&[Frame::data(stream, 0, &vec![b'.'; piece as usize])]).await.unwrap();
            left -= piece;
        }
        self.window -= length;
        *self.windows.get_mut(&stream).unwrap() -= length;
        length
    }

    /// Sends all of `bytes` and the end, waiting for windows. Stops when the stream is reset.
    async fn send(&mut self, stream: u32, mut bytes: u64) {
        loop {
            bytes -= self.fill(stream, bytes).await;
            if self.resets.contains_key(&stream) {
                return;
            }
            if bytes == 0 {
                return self.wire.send(&[Frame::data(stream, END_STREAM, b"")]).await.unwrap();
            }
            self.next().await;
        }
    }

    async fn until_answered(&mut self, stream: u32) {
        while !self.statuses.contains_key(&stream) {
            self.next().await;
        }
    }

    async fn until_ended(&mut self, stream: u32) {
        while !self.ended.contains(&stream) && !self.resets.contains_key(&stream) {
            self.next().await;
        }
    }

    async fn next(&mut self) {
        let frame = self.wire.read.next().await.expect("the connection goes on");
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                for setting in frame.payload.chunks(6) {
                    // SETTINGS_INITIAL_WINDOW_SIZE
                    if setting[..2] == [0, 4] {
                        self.window_of_streams = u32::from_be_bytes(setting[2..].try_into().unwrap()).into();
                        let more = self.window_of_streams - WINDOW_AT_FIRST;
                        self.windows.values_mut().for_each(|window| *window += more);
                    }
                }
                self.wire.send(&[Frame::new(SETTINGS, ACK, 0, [])]).await.unwrap();
            }
            WINDOW_UPDATE => {
                let more = u64::from(u32::from_be_bytes(frame.payload[..4].try_into().unwrap()));
                match frame.stream {
                    0 => self.window += more,
                    stream => *self.windows.get_mut(&stream).unwrap() += more,
                }
            }
            HEADERS => _ = self.statuses.insert(frame.stream, frame.status().expect("a status")),
            DATA => {
                *self.received.entry(frame.stream).or_default() += frame.payload.len();
                let more = u32::try_from(frame.payload.len()).unwrap().to_be_bytes();
                if !frame.payload.is_empty() {
                    let updates = [0, frame.stream].map(|stream| Frame::new(WINDOW_UPDATE, 0, stream, more));
                    // A stream that has ended needs none, and may not be there.
                    let updates = if frame.flags & END_STREAM == 0 { &updates[..] } else { &updates[..1] };
                    self.wire.send(updates).await.unwrap();
                }
            }
            RST_STREAM => _ = self.resets.insert(frame.stream, frame.code()),
            GOAWAY => panic!("GOAWAY with {}", frame.code()),
            _ => {}
        }
        if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
            self.ended.push(frame.stream);
        }
    }
}

/// Each unread body fills its stream's window and no more, so that the connection's is left to the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_nobody_reads_hold_up_no_other() {
    for unread in [1, 5, 40] {
        let host = TestHost::new().app("flow", guest::bytes(guest::FLOW)).app("echo", guest::bytes(guest::ECHO));
        let host = host.run().await;
        let mut sender = Sender::connect(&host).await;
        for at in 0..unread {
            let stream = 3 + 2 * at;
            sender.post(stream, "/flow/read-slow?ms=10000").await;
            assert!(sender.fill(stream, 8 << 20).await > 0, "{at} of {unread}: the connection's window is spent");
        }
        let last = 3 + 2 * unread;
        sender.post(last, "/echo/").await;
        sender.send(last, 1 << 20).await;
        sender.until_ended(last).await;
        let (status, received) = (sender.statuses.get(&last), sender.received.get(&last));
        assert_eq!((status, received), (Some(&200), Some(&(1 << 20))), "beside {unread}");
    }
}

/// Answered before it is sent: the rest is read on, so that the sender comes to its end and reads the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_early_answer_lets_the_sender_come_to_its_end() {
    let host = TestHost::new()
        .app("flow", guest::bytes(guest::FLOW))
        .app("echo", guest::bytes(guest::ECHO))
        .app("echo-whole", guest::bytes(guest::ECHO_WHOLE))
        .manifest("echo-whole", "[limits]\nrequest_body = \"1KiB\"\n")
        .run()
        .await;
    for (path, status) in
        [("/flow/drop-body", 200), ("/nobody/", 404), ("/a/../b", 400), ("/echo-whole/", 413), ("/flow/empty", 204)]
    {
        let mut sender = Sender::connect(&host).await;
        sender.post(3, path).await;
        // Without this it would not be longer than its bound.
        sender.fill(3, 2 << 10).await;
        // Where there is a head and nothing more, the head is the last of the answer.
        if status != 204 {
            sender.until_answered(3).await;
        }
        if status >= 400 {
            sender.until_ended(3).await;
        }
        sender.send(3, 4 << 20).await;
        sender.until_ended(3).await;
        assert_eq!((sender.statuses.get(&3), sender.resets.get(&3)), (Some(&status), None), "{path}");
        // Once more on the connection: what was said of the stream has come by then.
        sender.post(5, "/flow/drop-body").await;
        sender.send(5, 0).await;
        sender.until_ended(5).await;
        assert_eq!(sender.resets.get(&3), None, "{path}");
    }
}

/// It is not read on for ever, and the answer is whole before: RFC 9113 section 8.1 has NO_ERROR for the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_end_is_reset_when_it_was_read_on_long_enough() {
    let host =
        TestHost::new().app("flow", guest::bytes(guest::FLOW)).app("echo", guest::bytes(guest::ECHO)).run().await;
    let mut sender = Sender::connect(&host).await;
    for (stream, bytes) in [(3, 1 << 30), (5, 1)] {
        sender.post(stream, "/flow/drop-body").await;
        sender.until_answered(stream).await;
        // The second one falls silent.
        sender.fill(stream, bytes).await;
        if bytes > 1 {
            sender.send(stream, bytes).await;
        }
        while !sender.resets.contains_key(&stream) {
            sender.next().await;
        }
        assert_eq!((sender.statuses[&stream], sender.resets[&stream]), (200, 0), "{bytes}");
        assert!(sender.ended.contains(&stream), "the answer of {bytes} is not whole");
    }
}

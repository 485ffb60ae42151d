//! Floods of HTTP/2: the flooder is ended where the protocol gives a reason, and nobody else notices, nor does the memory.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use guesthouse_test_guests as guest;
use tokio_util::sync::CancellationToken;

use crate::harness::PATIENCE;
use crate::harness::client::Client;
use crate::harness::frames::CONTINUATION;
use crate::harness::frames::DATA;
use crate::harness::frames::END_HEADERS;
use crate::harness::frames::END_STREAM;
use crate::harness::frames::Frame;
use crate::harness::frames::GET;
use crate::harness::frames::GOAWAY;
use crate::harness::frames::HEADERS;
use crate::harness::frames::PING;
use crate::harness::frames::PRIORITY;
use crate::harness::frames::SETTINGS;
use crate::harness::frames::WINDOW_UPDATE;
use crate::harness::frames::Wire;
use crate::harness::frames::block;
use crate::harness::host::TestHost;
use crate::harness::serving::Serving;
use crate::harness::serving::home;
use crate::harness::within;

/// RFC 9113 section 7.
const ENHANCE_YOUR_CALM: u32 = 11;

/// What a flood may leave behind: the allocator's slack, a neighbour's instances, buffers of one connection.
const GROWTH_BYTES_MAX: u64 = 48 << 20;

/// How often a neighbour must be answered while it is flooded beside it.
const ANSWERS_MIN: usize = 20;

/// The stream of the request after a flood.
const LAST: u32 = (1 << 30) + 1;

/// How a flood ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// With a GOAWAY of this code.
    Goaway(u32),
    /// By itself: everything was sent, and the next request on the same connection was answered.
    Spent,
    /// The host took no more, since nothing of what it says was read.
    Held,
}

/// Whether the flooder reads what the host answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Reads,
    ReadsNothing,
}

/// What is sent again and again; `at` counts up.
struct Flood {
    piece: fn(at: u32) -> Vec<Frame>,
    pieces: u32,
    manner: Manner,
}

impl Flood {
    /// Sends all of it, unless the host ends it before.
    async fn run(&self, address: SocketAddr) -> End {
        let Wire { mut read, mut write } = Wire::connect(address).await;
        let reads = self.manner == Manner::Reads;
        // Nobody waits for two seconds for a buffer to drain, but who is held.
        let patience = if reads { PATIENCE } else { Duration::from_secs(2) };
        let send = async {
            for first in (0..self.pieces).step_by(100) {
                let frames: Vec<Frame> =
                    (first..self.pieces.min(first + 100)).flat_map(|at| (self.piece)(at)).collect();
                match tokio::time::timeout(patience, write.frames(&frames)).await {
                    Ok(Ok(())) => {}
                    // The host has closed: what it said before tells why.
                    Ok(Err(_)) => break,
                    Err(_) if reads => panic!("the host takes no more, although its answers are read"),
                    Err(_) => return End::Held,
                }
            }
            let _ = write.frames(&[Frame::request(LAST, GET)]).await;
            if reads { std::future::pending().await } else { End::Spent }
        };
        let receive = async {
            if !reads {
                return std::future::pending().await;
            }
            loop {
                let frame = read.next().await.expect("the host does not close without a word");
                match frame.kind {
                    GOAWAY => return End::Goaway(frame.code()),
                    HEADERS if frame.stream == LAST => return End::Spent,
                    _ => {}
                }
            }
        };
        tokio::select! {
            end = send => end,
            end = receive => end,
        }
    }
}

/// The memory of a process that is its own.
fn resident_bytes(pid: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    let pages: Vec<u64> = statm.split(' ').take(3).map(|count| count.parse().unwrap()).collect();
    (pages[1] - pages[2]) * 4096
}

/// Asks on a connection of its own until it is told to stop.
async fn neighbour(address: SocketAddr, answered: &AtomicUsize, stop: CancellationToken) {
    let mut client = Client::new(address);
    while !stop.is_cancelled() {
        let reply = client.get("/revision/").await;
        assert_eq!((reply.status.as_u16(), reply.text()), (200, guest::revision_text(1)));
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Floods the real program until a neighbour has been answered often enough beside it, and three times at least.
async fn check(what: &str, flood: Flood, expected: End) {
    let (folder, _apps) = home();
    let serving = Serving::published(folder.path()).await;
    let pid = serving.host.pid();
    // What the first requests need stays.
    Client::new(serving.address).get("/revision/").await;
    let before = resident_bytes(pid);
    let (stop, answered) = (CancellationToken::new(), AtomicUsize::new(0));
    let floods = async {
        let (mut count, mut most) = (0, 0);
        while count < 3 || answered.load(Ordering::Relaxed) < ANSWERS_MIN {
            let end = within(what, flood.run(serving.address)).await;
            assert_eq!(end, expected, "{what}");
            count += 1;
            most = most.max(resident_bytes(pid));
        }
        stop.cancel();
        (count, most)
    };
    let flooded = async { tokio::join!(floods, neighbour(serving.address, &answered, stop.clone())).0 };
    let (count, most) = within(what, flooded).await;
    let growth = most.saturating_sub(before);
    let answered = answered.into_inner();
    println!("flood {what}: {count} times {expected:?}, {answered} answers beside it, {} KiB more", growth >> 10);
    assert!(growth < GROWTH_BYTES_MAX, "{what}: {growth} bytes more");
    assert_eq!(serving.get().await, guest::revision_text(1));
}

fn window(stream: u32, more: u32) -> Frame {
    Frame::new(WINDOW_UPDATE, 0, stream, more.to_be_bytes())
}

/// Streams that are taken back as soon as they are asked for (CVE-2023-44487).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_resets_end_in_goaway() {
    let piece = |at| vec![Frame::request(2 * at + 1, GET), Frame::reset(2 * at + 1)];
    let flood = Flood { piece, pieces: 20_000, manner: Manner::Reads };
    check("rapid reset", flood, End::Goaway(ENHANCE_YOUR_CALM)).await;
}

/// Streams that the host is made to reset (CVE-2025-8671).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_that_the_host_is_made_to_send_end_in_goaway() {
    let piece = |at| vec![Frame::head(2 * at + 1, GET), window(2 * at + 1, (1 << 31) - 1)];
    let flood = Flood { piece, pieces: 20_000, manner: Manner::Reads };
    check("made you reset", flood, End::Goaway(ENHANCE_YOUR_CALM)).await;
}

/// A head without an end, in frames of nothing (CVE-2024-27316 and its kin).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn continuations_without_end_end_in_goaway() {
    let piece = |at| match at {
        0 => vec![Frame::new(HEADERS, END_STREAM, 1, block(GET))],
        _ => vec![Frame::new(CONTINUATION, 0, 1, [])],
    };
    let flood = Flood { piece, pieces: 100_000, manner: Manner::Reads };
    check("continuation", flood, End::Goaway(ENHANCE_YOUR_CALM)).await;
}

/// The same with fields in them, which are to be kept until the head is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_grows_without_end_ends_in_goaway() {
    let piece = |at| match at {
        0 => vec![Frame::new(HEADERS, END_STREAM, 1, block(GET))],
        _ => vec![Frame::new(CONTINUATION, 0, 1, block(&[("x-a", &"a".repeat(1_000))]))],
    };
    let flood = Flood { piece, pieces: 20_000, manner: Manner::Reads };
    check("long head", flood, End::Goaway(ENHANCE_YOUR_CALM)).await;
}

/// Pieces of a body with nothing in them (RUSTSEC-2026-0258).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_data_ends_in_goaway() {
    let piece = |at| match at {
        0 => vec![Frame::head(1, GET)],
        _ => vec![Frame::new(DATA, 0, 1, [])],
    };
    let flood = Flood { piece, pieces: 200_000, manner: Manner::Reads };
    check("empty data", flood, End::Goaway(ENHANCE_YOUR_CALM)).await;
}

/// A head of one kilobyte that stands for megabytes, in a table that the flooder has filled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_of_compression_ends_in_goaway() {
    let piece = |at: u32| {
        let large = "a".repeat(3_900);
        // A literal that is indexed: from then on it is the newest entry, number 62.
        let mut block_of = block(GET);
        let mut entry = block(&[("x-a", &large)]);
        entry[0] = 0x40;
        block_of.extend(entry);
        block_of.extend([0xbe; 8_000]);
        vec![Frame::new(HEADERS, END_STREAM | END_HEADERS, 2 * at + 1, block_of)]
    };
    let flood = Flood { piece, pieces: 1_000, manner: Manner::Reads };
    check("compression bomb", flood, End::Goaway(ENHANCE_YOUR_CALM)).await;
}

/// Nothing forbids these, and each costs the host no more than the flooder: they are answered or passed over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_pings_windows_and_priorities_harm_nobody() {
    let settings = Flood { piece: |_| vec![Frame::new(SETTINGS, 0, 0, [])], pieces: 100_000, manner: Manner::Reads };
    check("settings", settings, End::Spent).await;
    let pings = Flood { piece: |_| vec![Frame::new(PING, 0, 0, [7; 8])], pieces: 100_000, manner: Manner::Reads };
    check("ping", pings, End::Spent).await;
    let windows = Flood { piece: |_| vec![window(0, 1)], pieces: 100_000, manner: Manner::Reads };
    check("window", windows, End::Spent).await;
    let priority = |at: u32| vec![Frame::new(PRIORITY, 0, 2 * at + 1, [0, 0, 0, 0, 9])];
    check("priority", Flood { piece: priority, pieces: 100_000, manner: Manner::Reads }, End::Spent).await;
}

/// Who does not read the answers is not read any longer: answers that wait are not heaped up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_are_not_heaped_up() {
    let manner = Manner::ReadsNothing;
    let settings = Flood { piece: |_| vec![Frame::new(SETTINGS, 0, 0, [])], pieces: 4_000_000, manner };
    check("unread settings", settings, End::Held).await;
    let pings = Flood { piece: |_| vec![Frame::new(PING, 0, 0, [7; 8])], pieces: 4_000_000, manner };
    check("unread pings", pings, End::Held).await;
}

/// A request is a reason to stay, but not for one whose visitor takes nothing of the answer's body.
#[tokio::test]
async fn a_visitor_who_opens_no_window_is_cut() {
    const NO_WINDOW: &[u8] = &[0, 4, 0, 0, 0, 0];
    let short = Duration::from_millis(300);
    let host = TestHost::new()
        .app("revision", guest::revision(1))
        .config(move |config| config.serve.write_idle = short)
        .run()
        .await;
    let mut wire = Wire::connect(host.address).await;
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/revision/")];
    wire.send(&[Frame::new(SETTINGS, 0, 0, NO_WINDOW), Frame::request(1, &fields)]).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(frame) = wire.read.next().await {
        kinds.push(frame.kind);
    }
    // The head, the word that this is the last stream, and the cut.
    assert!(kinds.contains(&HEADERS) && kinds.contains(&GOAWAY) && !kinds.contains(&DATA), "{kinds:?}");
}

/// Pings are no reason to stay: only a request is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_only_pings_is_closed_as_idle() {
    let short = Duration::from_millis(300);
    let host = TestHost::new().config(move |config| config.serve.keep_alive_idle = short).run().await;
    let mut wire = Wire::connect(host.address).await;
    let (read, write) = (&mut wire.read, &mut wire.write);
    let pings = async {
        while write.frames(&[Frame::new(PING, 0, 0, [7; 8])]).await.is_ok() {
            tokio::task::yield_now().await;
        }
        // The host has closed: what it said before is still to be read.
        std::future::pending::<()>().await
    };
    let goaway = async {
        while let Some(frame) = read.next().await {
            if frame.kind == GOAWAY {
                return Some(frame.code());
            }
        }
        None
    };
    let ended = tokio::select! {
        () = pings => None,
        ended = goaway => ended,
    };
    assert_eq!(ended, Some(0));
}

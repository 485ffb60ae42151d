//! Frames that break the rules of HTTP/2 itself (RFC 9113 sections 4 to 6).

use crate::conformance::http2::Case;
use crate::conformance::http2::End;
use crate::conformance::http2::case;
use crate::harness::frames::ACK;
use crate::harness::frames::CONTINUATION;
use crate::harness::frames::END_HEADERS;
use crate::harness::frames::END_STREAM;
use crate::harness::frames::Frame;
use crate::harness::frames::GET;
use crate::harness::frames::GOAWAY;
use crate::harness::frames::HEADERS;
use crate::harness::frames::PADDED;
use crate::harness::frames::PING;
use crate::harness::frames::PRIORITY;
use crate::harness::frames::PUSH_PROMISE;
use crate::harness::frames::RST_STREAM;
use crate::harness::frames::SETTINGS;
use crate::harness::frames::WINDOW_UPDATE;
use crate::harness::frames::block;

// Codes of RFC 9113 section 7.
const PROTOCOL: u32 = 1;
const FLOW_CONTROL: u32 = 3;
const FRAME_SIZE: u32 = 6;

/// The guest reads nothing and answers nothing, so that the stream stays open.
pub const NEVER: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/bad-never/")];

fn setting(key: u16, value: u32) -> Frame {
    Frame::new(SETTINGS, 0, 0, [&key.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

fn window(stream: u32, more: u32) -> Frame {
    Frame::new(WINDOW_UPDATE, 0, stream, more.to_be_bytes())
}

/// A request, and this before it.
fn before(frame: Frame) -> Vec<Frame> {
    vec![frame, Frame::request(1, GET)]
}

/// The head of a request that waits for its body, and this after it.
fn after(frame: Frame) -> Vec<Frame> {
    vec![Frame::head(1, GET), frame]
}

pub fn cases() -> Vec<Case> {
    let mut cases = streams();
    cases.extend(shapes());
    cases.extend(of_the_connection());
    cases
}

fn streams() -> Vec<Case> {
    vec![
        case("an even stream", [Frame::request(2, GET)], End::Goaway(PROTOCOL)),
        case("a stream of nothing", [Frame::request(0, GET)], End::Goaway(PROTOCOL)),
        case("a lower stream", [Frame::request(3, NEVER), Frame::request(1, GET)], End::Goaway(PROTOCOL)),
        case("data on no stream", [Frame::data(0, END_STREAM, b"x")], End::Goaway(PROTOCOL)),
        case("data on an idle stream", [Frame::data(1, END_STREAM, b"x")], End::Goaway(PROTOCOL)),
        case("data after the end", [Frame::request(1, NEVER), Frame::data(1, 0, b"x")], End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("a second head after the end", [Frame::request(1, NEVER), Frame::request(1, GET)], End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("a second head within the body", after(Frame::head(1, GET)), End::Reset(PROTOCOL)),
        case("a reset of an idle stream", before(Frame::reset(1)), End::Goaway(PROTOCOL)),
        case("a reset of no stream", before(Frame::reset(0)), End::Goaway(PROTOCOL)),
        case("a window for an idle stream", before(window(1, 1)), End::Goaway(PROTOCOL)),
        case("a promise", before(Frame::new(PUSH_PROMISE, END_HEADERS, 1, [0, 0, 0, 2])), End::Goaway(PROTOCOL)),
        case(
            "a continuation of nothing",
            before(Frame::new(CONTINUATION, END_HEADERS, 1, block(GET))),
            End::Goaway(PROTOCOL),
        ),
        case(
            "a frame within a head",
            [Frame::new(HEADERS, END_STREAM, 1, block(GET)), Frame::new(PING, 0, 0, [0; 8])],
            End::Goaway(PROTOCOL),
        ),
        case(
            "a continuation of another stream",
            [Frame::new(HEADERS, END_STREAM, 1, block(GET)), Frame::new(CONTINUATION, END_HEADERS, 3, [])],
            End::Goaway(PROTOCOL),
        ),
        case(
            "a head in two frames",
            [
                Frame::new(HEADERS, END_STREAM, 1, &block(GET)[..9]),
                Frame::new(CONTINUATION, END_HEADERS, 1, &block(GET)[9..]),
            ],
            End::Answer(200),
        ),
        case(
            "an empty continuation",
            [Frame::new(HEADERS, END_STREAM, 1, block(GET)), Frame::new(CONTINUATION, END_HEADERS, 1, [])],
            End::Answer(200),
        ),
    ]
}

fn shapes() -> Vec<Case> {
    let padded = |length: u8, rest: &[u8]| [&[length], rest].concat();
    let own_parent = [&1_u32.to_be_bytes()[..], &[0], &block(GET)].concat();
    vec![
        case("padded data", after(Frame::data(1, END_STREAM | PADDED, &padded(2, b"hello\0\0"))), End::Answer(200))
            .sees("body: hello\n"),
        case("only padding", after(Frame::data(1, END_STREAM | PADDED, &padded(3, b"\0\0\0"))), End::Answer(200))
            .sees("body-length: 0\n"),
        case(
            "padding longer than its frame",
            after(Frame::data(1, END_STREAM | PADDED, &padded(9, b"hello"))),
            End::Goaway(PROTOCOL),
        ),
        case("padding without its length", after(Frame::data(1, END_STREAM | PADDED, b"")), End::Goaway(PROTOCOL)),
        case(
            "a padded head",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, [&[2], &block(GET)[..], &[0, 0]].concat())],
            End::Answer(200),
        ),
        case(
            "a head padded too much",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, padded(200, &block(GET)))],
            End::Goaway(PROTOCOL),
        ),
        case("data of 16,384 bytes", after(Frame::data(1, END_STREAM, &[b'x'; 16_384])), End::Answer(200))
            .sees("body-length: 16384\n"),
        case("data of 16,385 bytes", after(Frame::data(1, END_STREAM, &[b'x'; 16_385])), End::Goaway(FRAME_SIZE)),
        case(
            "a head of 16,385 bytes",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [0; 16_385])],
            End::Goaway(FRAME_SIZE),
        ),
        case("an unknown frame", before(Frame::new(0xbe, 0xff, 0, b"unknown")), End::Answer(200)),
        case(
            "an unknown frame on a stream",
            after(Frame::new(0xbe, 0, 1, b"?"))
                .into_iter()
                .chain([Frame::data(1, END_STREAM, b"x")])
                .collect::<Vec<_>>(),
            End::Answer(200),
        ),
        case("unknown flags", [Frame::new(HEADERS, END_STREAM | END_HEADERS | 0xd2, 1, block(GET))], End::Answer(200)),
        case("a reset of three bytes", after(Frame::new(RST_STREAM, 0, 1, [0; 3])), End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("a window of five bytes", after(Frame::new(WINDOW_UPDATE, 0, 1, [0; 5])), End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("a priority", before(Frame::new(PRIORITY, 0, 3, [0, 0, 0, 1, 5])), End::Answer(200)),
        case("a priority of four bytes", after(Frame::new(PRIORITY, 0, 1, [0; 4])), End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("a priority of no stream", before(Frame::new(PRIORITY, 0, 0, [0; 5])), End::Goaway(PROTOCOL)),
        case(
            "a stream that depends on itself",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS | 0x20, 1, own_parent)],
            End::Reset(PROTOCOL),
        ),
        // Compression (RFC 7541).
        case("an index of nothing", [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [0x80])], End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case(
            "an index beyond the table",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [0xff, 0x7f])],
            End::Goaway(PROTOCOL),
        )
        .deviates("h2-codes"),
        case(
            "a string that breaks off",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [0, 9, b'x'])],
            End::Goaway(PROTOCOL),
        )
        .deviates("h2-codes"),
        case(
            "a number without an end",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [0xff; 30])],
            End::Goaway(PROTOCOL),
        )
        .deviates("h2-codes"),
        case(
            "a Huffman code of padding alone",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [0, 0x84, 0xff, 0xff, 0xff, 0xff, 1, b'x'])],
            End::Goaway(PROTOCOL),
        )
        .deviates("h2-codes"),
        case(
            "a table larger than allowed",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [&[0x3f, 0xe2, 0x1f], &block(GET)[..]].concat())],
            End::Goaway(PROTOCOL),
        )
        .deviates("h2-codes"),
        case(
            "a table of nothing",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [&[0x20], &block(GET)[..]].concat())],
            End::Answer(200),
        ),
        case(
            "a table's size within a block",
            [Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, [&block(GET)[..], &[0x20]].concat())],
            End::Goaway(PROTOCOL),
        )
        .deviates("h2-codes"),
    ]
}

fn of_the_connection() -> Vec<Case> {
    vec![
        case("settings", before(setting(3, 1)), End::Answer(200)),
        case("unknown settings", before(setting(0xbeef, 7)), End::Answer(200)),
        case("settings on a stream", before(Frame::new(SETTINGS, 0, 1, [])), End::Goaway(PROTOCOL)),
        case("settings of five bytes", before(Frame::new(SETTINGS, 0, 0, [0; 5])), End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("settings that push twice", before(setting(2, 2)), End::Goaway(PROTOCOL)),
        case("a window beyond 31 bits", before(setting(4, 1 << 31)), End::Goaway(PROTOCOL)).deviates("h2-codes"),
        case("frames of less than 16 KiB", before(setting(5, 16_383)), End::Goaway(PROTOCOL)),
        case("frames of 16 MiB", before(setting(5, 1 << 24)), End::Goaway(PROTOCOL)),
        case("an acknowledgement with a payload", before(Frame::new(SETTINGS, ACK, 0, [0; 6])), End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("a ping", before(Frame::new(PING, 0, 0, [7; 8])), End::Answer(200)),
        case("a ping's answer that nobody asked for", before(Frame::new(PING, ACK, 0, [7; 8])), End::Answer(200)),
        case("a ping of seven bytes", before(Frame::new(PING, 0, 0, [7; 7])), End::Goaway(PROTOCOL))
            .deviates("h2-codes"),
        case("a ping on a stream", before(Frame::new(PING, 0, 1, [7; 8])), End::Goaway(PROTOCOL)),
        case("a window of nothing for the connection", before(window(0, 0)), End::Goaway(PROTOCOL)),
        case("a window of nothing for a stream", after(window(1, 0)), End::Goaway(PROTOCOL)),
        case("a window that overflows", before(window(0, (1 << 31) - 1)), End::Goaway(FLOW_CONTROL)),
        case("a stream's window that overflows", after(window(1, (1 << 31) - 1)), End::Reset(FLOW_CONTROL)),
        case("GOAWAY on a stream", before(Frame::new(GOAWAY, 0, 1, [0; 8])), End::Goaway(PROTOCOL)),
    ]
}

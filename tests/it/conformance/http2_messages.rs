//! Requests in HTTP/2: pseudo fields, fields, lengths and trailers (RFC 9113 section 8).

use crate::conformance::http2::Case;
use crate::conformance::http2::End;
use crate::conformance::http2::case;
use crate::harness::frames::CONTINUATION;
use crate::harness::frames::END_HEADERS;
use crate::harness::frames::END_STREAM;
use crate::harness::frames::Frame;
use crate::harness::frames::GET;
use crate::harness::frames::HEADERS;
use crate::harness::frames::block;
use crate::harness::frames::get_with;
use crate::harness::frames::literal;

const PROTOCOL_ERROR: u32 = 1;

pub fn cases() -> Vec<Case> {
    let mut cases = pseudo_fields();
    cases.extend(fields());
    cases.extend(bodies());
    cases
}

fn whole(block: Vec<u8>) -> Vec<Frame> {
    vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, block)]
}

/// A GET with one pseudo field replaced, or left out.
fn but(name: &str, value: Option<&str>) -> Vec<Frame> {
    let fields: Vec<(&str, &str)> =
        GET.iter().filter_map(|(key, old)| Some((*key, if *key == name { value? } else { old }))).collect();
    vec![Frame::request(1, &fields)]
}

fn with(fields: &[(&str, &str)]) -> Vec<Frame> {
    whole(get_with(fields))
}

fn pseudo_fields() -> Vec<Case> {
    let reset = || End::Reset(PROTOCOL_ERROR);
    let goaway = || End::Goaway(PROTOCOL_ERROR);
    let mut cases = vec![
        case("GET", but("", None), End::Answer(200))
            .sees("method: GET\nscheme: http\nauthority: localhost\nmount: \npath: /\n"),
        case("HEAD", but(":method", Some("HEAD")), End::Answer(200)).hides("path"),
        case("a method of one's own", but(":method", Some("x")), End::Answer(200)).sees("method: x\n"),
        case("no method", but(":method", None), reset()),
        case("no scheme", but(":scheme", None), reset()),
        case("no path", but(":path", None), reset()),
        case("no authority and no host", but(":authority", None), End::Answer(400)),
        case("an empty path", but(":path", Some("")), reset()),
        case("an empty method", but(":method", Some("")), goaway()),
        case("an empty authority", but(":authority", Some("")), reset()),
        case("an empty scheme", but(":scheme", Some("")), End::Answer(400)),
        case(
            "a host instead of an authority",
            whole(
                [block(&[(":method", "GET"), (":scheme", "http"), (":path", "/")]), block(&[("host", "localhost")])]
                    .concat(),
            ),
            End::Answer(200),
        )
        .sees("authority: localhost\n"),
        case("an authority and the same host", with(&[("host", "localhost")]), End::Answer(200)).hides("header host"),
        case("an authority and another host", with(&[("host", "other")]), End::Answer(400)),
        case("an authority and two hosts", with(&[("host", "localhost"), ("host", "localhost")]), End::Answer(400)),
        case("an authority and an empty host", with(&[("host", "")]), End::Answer(400)),
        case("an authority that is not ours", but(":authority", Some("evil.example")), End::Answer(421)),
        case("an authority with a user", but(":authority", Some("user@localhost")), End::Answer(400)),
        case("an authority with a slash", but(":authority", Some("localhost/x")), reset()),
        case("an authority with a space", but(":authority", Some("local host")), reset()),
        case("a scheme that is not HTTP's", but(":scheme", Some("ftp")), End::Answer(400)),
        case("a scheme that is none", but(":scheme", Some("h ttp")), reset()),
        case("`*`", but(":path", Some("*")), End::Answer(400)),
        case("a path without its slash", but(":path", Some("x")), reset()),
        case("a path with dots", but(":path", Some("/a/../b")), End::Answer(400)),
        case("a path with an encoded slash", but(":path", Some("/a%2fb")), End::Answer(200)).sees("path: /a%2fb\n"),
        case("a path with dots and an encoded slash", but(":path", Some("/a%2f../b")), End::Answer(400)),
        case("a path with a space", but(":path", Some("/a b")), reset()),
        case("a path of a whole URI", but(":path", Some("http://localhost/")), reset()),
        case("a path of 8,000 bytes", but(":path", Some(&format!("/{}", "a".repeat(7_999)))), End::Answer(200)),
        case("a path of 8,001 bytes", but(":path", Some(&format!("/{}", "a".repeat(8_000)))), End::Answer(414)),
        case("TRACE", but(":method", Some("TRACE")), End::Answer(405)),
        case("CONNECT", whole(block(&[(":method", "CONNECT"), (":authority", "localhost:80")])), End::Answer(405)),
        case("CONNECT with a path", but(":method", Some("CONNECT")), reset()),
        case("a method with a space", but(":method", Some("G T")), goaway()),
        case("a method of 33 letters", but(":method", Some(&"X".repeat(33))), End::Answer(501)),
        case("a pseudo field of a response", whole([block(&[(":status", "200")]), block(GET)].concat()), reset()),
        case("a pseudo field after a field", whole([block(&[("x-a", "b")]), block(GET)].concat()), reset()),
        case("a protocol without CONNECT", whole([block(GET), block(&[(":protocol", "websocket")])].concat()), reset()),
    ];
    for name in [":method", ":scheme", ":path", ":authority"] {
        let twice = whole(
            [block(GET), block(&GET.iter().copied().filter(|(key, _)| *key == name).collect::<Vec<_>>())].concat(),
        );
        cases.push(case(format!("{name} twice"), twice, reset()));
    }
    for name in [":x", ":", ":host", ":Method"] {
        cases.push(case(
            format!("pseudo field {name:?}"),
            whole([block(GET), block(&[(name, "1")])].concat()),
            goaway(),
        ));
    }
    cases
}

fn fields() -> Vec<Case> {
    let many: Vec<(String, String)> = (0..101).map(|at| (format!("x-{at}"), "1".to_owned())).collect();
    let many =
        |count: usize| many[..count].iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    let long = "a".repeat(15_000);
    let mut cases = vec![
        case("a field", with(&[("x-a", "b")]), End::Answer(200)).sees("header x-a: b\n"),
        case("a field of 8-bit letters", whole([block(GET), literal(b"x-a", b"\xc3\xa4")].concat()), End::Answer(200))
            .sees("header x-a: \u{e4}\n"),
        case("cookies apart", with(&[("cookie", "a=1"), ("cookie", "b=2")]), End::Answer(200)).sees("a=1"),
        case("`te: trailers`", with(&[("te", "trailers")]), End::Answer(200)).hides("header te"),
        case("100 fields", with(&many(100)), End::Answer(200)).sees("header x-99: 1\n"),
        case("101 fields", with(&many(101)), End::Answer(431)),
    ];
    // What belongs to one connection of HTTP/1 (section 8.2.2), and what is not a field (section 8.2.1).
    for (name, value) in [
        ("connection", "close"),
        ("keep-alive", "5"),
        ("proxy-connection", "close"),
        ("upgrade", "h2c"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
    ] {
        let malformed = case(format!("field {name:?}: {value:?}"), with(&[(name, value)]), End::Reset(PROTOCOL_ERROR));
        cases.push(malformed);
    }
    for (name, value) in [
        ("X-A", "b"),
        ("x-A", "b"),
        ("x a", "b"),
        ("x:a", "b"),
        ("", "b"),
        ("x-a", "b\r\nx-c: d"),
        ("x-a", "b\nc"),
        ("x-a", "b\0c"),
        ("x\u{e4}", "b"),
    ] {
        let malformed = case(format!("field {name:?}: {value:?}"), with(&[(name, value)]), End::Goaway(PROTOCOL_ERROR));
        cases.push(malformed);
    }
    for value in [" b", "b ", "\tb"] {
        let spaced = case(format!("value {value:?}"), with(&[("x-a", value)]), End::Answer(200)).sees("header x-a: ");
        cases.push(spaced.deviates("h2-spaces"));
    }
    for name in [
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "x-request-id",
        "proxy",
        "x_forwarded_for",
        "content_length",
        "expect",
        "proxy-authorization",
    ] {
        let sent = with(&[(name, "forged"), ("x-a", "b")]);
        cases.push(case(format!("field `{name}`"), sent, End::Answer(200)).sees("header x-a: b\n").hides("forged"));
    }
    let list = [("x-a", long.as_str()), ("x-b", &long), ("x-c", &long), ("x-d", &long), ("x-e", &long)];
    cases.push(case("a list of 60 KB", in_pieces(get_with(&list[..4])), End::Answer(200)).sees("header x-d: aaa"));
    cases.push(case("a list of 75 KB", in_pieces(get_with(&list)), End::Answer(431)));
    cases
}

/// A block in as many frames as it needs.
fn in_pieces(block: Vec<u8>) -> Vec<Frame> {
    let pieces: Vec<&[u8]> = block.chunks(16_000).collect();
    let frame = |(at, piece): (usize, &&[u8])| {
        let last = if at + 1 == pieces.len() { END_HEADERS } else { 0 };
        match at {
            0 => Frame::new(HEADERS, END_STREAM | last, 1, *piece),
            _ => Frame::new(CONTINUATION, last, 1, *piece),
        }
    };
    pieces.iter().enumerate().map(frame).collect()
}

fn bodies() -> Vec<Case> {
    let body = |fields: &[(&str, &str)], pieces: &[&[u8]]| {
        let mut frames = vec![Frame::new(HEADERS, END_HEADERS, 1, get_with(fields))];
        let flags = |at| if at + 1 == pieces.len() { END_STREAM } else { 0 };
        frames.extend(pieces.iter().enumerate().map(|(at, piece)| Frame::data(1, flags(at), piece)));
        frames
    };
    let trailers = |block: Vec<u8>, flags| {
        let mut frames = vec![Frame::head(1, GET), Frame::data(1, 0, b"hello")];
        frames.push(Frame::new(HEADERS, flags | END_HEADERS, 1, block));
        frames
    };
    let reset = || End::Reset(PROTOCOL_ERROR);
    let mut cases = vec![
        case("a body", body(&[], &[b"hello"]), End::Answer(200)).sees("body: hello\n"),
        case("a body in three", body(&[], &[b"he", b"ll", b"o"]), End::Answer(200)).sees("body: hello\n"),
        case("empty pieces", body(&[], &[b"", b"hello", b"", b""]), End::Answer(200)).sees("body: hello\n"),
        case("a body of nothing", body(&[], &[b""]), End::Answer(200)).sees("body-length: 0\n"),
        case("a length that fits", body(&[("content-length", "5")], &[b"hello"]), End::Answer(200))
            .sees("body: hello\n"),
        case("a longer body than declared", body(&[("content-length", "3")], &[b"hello"]), reset()),
        case("a shorter body than declared", body(&[("content-length", "9")], &[b"hello"]), reset()),
        case("a length and no body", with(&[("content-length", "5")]), reset()),
        case(
            "two equal lengths",
            body(&[("content-length", "5"), ("content-length", "5")], &[b"hello"]),
            End::Answer(400),
        ),
        case("two unequal lengths", body(&[("content-length", "5"), ("content-length", "6")], &[b"hello"]), reset()),
        case(
            "a body over the app's bound",
            [Frame::new(HEADERS, END_HEADERS, 1, get_with(&[("content-length", "99999999")]))],
            End::Answer(413),
        ),
        case("100 Continue", body(&[("expect", "100-continue")], &[b"hello"]), End::Answer(200)).sees("body: hello\n"),
        case("a trailer", trailers(block(&[("x-after", "1")]), END_STREAM), End::Answer(200))
            .sees("body: hello\n")
            .hides("x-after"),
        case("a trailer that is a length", trailers(block(&[("content-length", "1")]), END_STREAM), End::Answer(200))
            .sees("body: hello\n"),
        case("a trailer with a pseudo field", trailers(block(&[(":path", "/x")]), END_STREAM), End::Answer(200))
            .sees("path: /\n")
            .hides("/x")
            .deviates("h2-trailers"),
        case("a trailer in capitals", trailers(block(&[("X-After", "1")]), END_STREAM), End::Goaway(PROTOCOL_ERROR)),
        case("trailers that do not end the stream", trailers(block(&[("x-after", "1")]), 0), reset()),
    ];
    for length in ["+5", "-5", "5,5", "0x5", "", "five", "18446744073709551616"] {
        let sent = body(&[("content-length", length)], &[b"hello"]);
        cases.push(case(format!("length {length:?}"), sent, reset()));
    }
    cases
}

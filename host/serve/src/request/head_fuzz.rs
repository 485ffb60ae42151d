//! Arbitrary bytes as a request's head: hyper reads them as it does on a connection, and what is admitted keeps promises.
//!
//! The tests below call it some thousand times under `cargo test`, `fuzz/fuzz_targets/head.rs` for as long as one likes.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use crate::request::admit::Admitted;
use crate::request::admit::HeadLimits;
use crate::request::admit::admit;
use crate::settings::ServeSettings;

/// How many of the requests in `bytes` came to us, and how many of those were admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// hyper took them for requests.
    pub requests: usize,
    /// We did.
    pub admitted: usize,
}

/// Reads `bytes` as a connection of HTTP/1.
///
/// # Panics
///
/// When what is admitted does not keep what is promised of it.
pub fn head(bytes: &[u8]) -> Read {
    let settings = ServeSettings::default();
    let bounds = HeadLimits { fields_max: settings.fields_max, target_bytes_max: settings.target_bytes_max };
    let read = Rc::new(Cell::new(Read::default()));
    let count = read.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let mut read = count.get();
        read.requests += 1;
        if let Ok(admitted) = admit(request.into_parts().0, bounds) {
            read.admitted += 1;
            check(&admitted, &settings);
        }
        count.set(read);
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let mut http1 = http1::Builder::new();
    http1.header_read_timeout(None).half_close(true).max_header_size(ServeSettings::default().head_bytes_max);
    let connection = http1.serve_connection(TokioIo::new(tokio::io::join(bytes, tokio::io::sink())), service);
    // Nothing waits: all bytes are there, and everything that is written is taken. hyper only gives way now and then.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("there is room for a runtime");
    let _ = runtime.block_on(connection);
    read.get()
}

/// The promises, in other words than those in which they are kept.
fn check(admitted: &Admitted, settings: &ServeSettings) {
    let Admitted { method, authority, path_and_query, headers } = admitted;
    assert!(*method != Method::CONNECT && *method != Method::TRACE && method.as_str().len() <= 32, "{method}");
    let (host, port) = (authority.host(), authority.port_u16());
    let is_of_host = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    assert!(!host.is_empty() && (host.starts_with('[') || host.chars().all(is_of_host)), "{authority}");
    assert_eq!(authority.as_str(), port.map_or(host.to_owned(), |_| authority.to_string()), "{authority}");
    assert!(!authority.as_str().contains(['@', '/', ' ']), "{authority}");

    let path = path_and_query.path();
    assert!(path.starts_with('/') && path_and_query.as_str().len() <= settings.target_bytes_max, "{path}");
    let decoded = decoded(path.as_bytes());
    assert!(!decoded.split(|byte| *byte == b'/').any(|segment| segment == b"." || segment == b".."), "{path}");
    assert!(!decoded.contains(&0) && !decoded.contains(&b'\\'), "{path}");

    assert!(headers.len() <= settings.fields_max, "{} fields", headers.len());
    for name in headers.keys().map(http::HeaderName::as_str) {
        const GONE: [&str; 12] = [
            "host",
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "transfer-encoding",
            "upgrade",
            "expect",
            "forwarded",
            "x-real-ip",
            "x-request-id",
            "proxy",
        ];
        assert!(!GONE.contains(&name) && !name.contains('_') && !name.starts_with("x-forwarded-"), "{name}");
    }
    let lengths: Vec<_> = headers.get_all(http::header::CONTENT_LENGTH).iter().collect();
    assert!(lengths.len() <= 1 && lengths.iter().all(|length| length.to_str().is_ok()), "{lengths:?}");
}

/// What somebody behind us would make of a path.
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    let mut rest = path;
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        found.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::collection::vec;
    use proptest::prelude::Just;
    use proptest::prelude::Strategy;
    use proptest::prelude::any;
    use proptest::prop_oneof;
    use proptest::sample::select;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::random::config;

    /// What was found once.
    const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/head.txt");
    /// Unless the environment says otherwise.
    const CASES: u32 = 8_000;

    /// Words that a head is made of, and some that it should not be made of.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        const WORDS: [&str; 62] = [
            "GET",
            "POST",
            "HEAD",
            "CONNECT",
            "TRACE",
            "OPTIONS",
            "get",
            " ",
            " ",
            "\t",
            "/",
            "/",
            "*",
            "/a",
            "..",
            "/..",
            "/.",
            "%2e",
            "%2f",
            "%5c",
            "%00",
            "%",
            "\\",
            "?",
            "#",
            "http://",
            "https://",
            "localhost",
            "LOCALHOST.",
            "127.0.0.1",
            "[::1]",
            ":80",
            ":",
            "@",
            " HTTP/1.1",
            " HTTP/1.0",
            "\r\n",
            "\r\n",
            "\r\n",
            "\n",
            "\r",
            "\r\n\r\n",
            "host: ",
            "Host:",
            "host: localhost\r\n",
            "connection: close\r\n",
            "connection: x-a, host\r\n",
            "content-length: ",
            "content-length: 0\r\n",
            "content-length: 3\r\n",
            "transfer-encoding: chunked\r\n",
            "transfer-encoding: ",
            "chunked",
            "identity",
            ",",
            "x-forwarded-for: a\r\n",
            "x_forwarded_for: a\r\n",
            "expect: 100-continue\r\n",
            "x-a: b\r\n",
            "0\r\n\r\n",
            "3\r\nabc\r\n",
            "abc",
        ];
        prop_oneof![
            40 => select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec()),
            2 => vec(any::<u8>(), 0..4),
            1 => (1..120_usize).prop_map(|count| b"x-b: c\r\n".repeat(count)),
            1 => (1..9_000_usize).prop_map(|length| vec![b'a'; length]),
        ]
    }

    /// A request with something put in at some places, or nothing but pieces.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let request = || Just(b"GET /a/b?c HTTP/1.1\r\nhost: localhost:80\r\naccept: */*\r\n\r\n".to_vec()).boxed();
        let disturbed = (request(), vec((any::<proptest::sample::Index>(), 0..3_usize, piece()), 0..4));
        let disturbed = disturbed.prop_map(|(mut request, pieces)| {
            for (at, gone, piece) in pieces {
                let at = at.index(request.len());
                let to = request.len().min(at + gone);
                request.splice(at..to, piece);
            }
            request
        });
        let line = (select(&["GET ", "POST ", "X "][..]), vec(piece(), 0..4), vec(piece(), 0..6)).prop_map(
            |(method, target, fields)| {
                let (target, fields) = (target.concat(), fields.concat());
                [method.as_bytes(), b"/", &target, b" HTTP/1.1\r\nhost: localhost\r\n", &fields, b"\r\n"].concat()
            },
        );
        prop_oneof![4 => disturbed, 4 => line, 1 => vec(piece(), 0..20).prop_map(|pieces| pieces.concat())]
    }

    #[test]
    fn what_is_admitted_keeps_what_is_promised_of_it() {
        let config = config(CASES, Some(REGRESSIONS));
        let (cases, all) = (config.cases as usize, Cell::new(Read::default()));
        TestRunner::new(config)
            .run(&bytes(), |bytes| {
                let (read, sum) = (head(&bytes), all.get());
                all.set(Read { requests: sum.requests + read.requests, admitted: sum.admitted + read.admitted });
                Ok(())
            })
            .unwrap();
        let all = all.get();
        let is_balanced = all.admitted * 20 > cases && (all.requests - all.admitted) * 20 > cases;
        assert!(is_balanced, "most is refused or most is admitted, of {cases}: {all:?}");
    }

    #[test]
    fn the_seeds_are_read_as_their_names_say() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("fuzz/seeds/head");
        let mut count = 0;
        for seed in fs::read_dir(seeds).unwrap() {
            let path = seed.unwrap().path();
            let read = head(&fs::read(&path).unwrap());
            let is_taken = path.file_name().unwrap().to_str().unwrap().starts_with("taken-");
            assert_eq!(read.admitted > 0, is_taken, "{}: {read:?}", path.display());
            count += 1;
        }
        assert!(count > 0, "there are seeds");
    }
}

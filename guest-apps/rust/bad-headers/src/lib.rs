//! Answers with a head that no host should send: too much of it, or what splits it, or an odd status.
//!
//! `?n=10000&len=100` is the default; `?kind=split` has a line break in a value, `?kind=name` an illegal name,
//! `?kind=status&code=101` a status of choice, `?kind=same&n=26000` the same short name again and again, `?kind=hop` what
//! only a connection's owner may say; `?kind=error` is an error of many bytes that act on a terminal, and `?kind=spin` never
//! comes back. It speaks the WIT's own records, for the `http` crate refuses all this.

use guesthouse::bindings::app::exports::guesthouse::gateway::handler::Guest;
use guesthouse::bindings::types::Header;
use guesthouse::bindings::types::Request;
use guesthouse::bindings::types::Response;
use guesthouse::form;

struct Headers;

guesthouse::bindings::app::export_handler!(Headers with_types_in guesthouse::bindings::app);

impl Guest for Headers {
    fn handle(request: Request) -> Result<Response, String> {
        let query = form::pairs(request.query.unwrap_or_default().as_bytes());
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name: &str, otherwise| value(name).and_then(|value| value.parse().ok()).unwrap_or(otherwise);

        let (status, headers) = match value("kind") {
            Some("split") => (200, vec![header("x-split", b"one\r\nset-cookie: stolen=1\r\n\r\n<p>")]),
            Some("name") => (200, vec![header("not a\r\nname", b"1")]),
            Some("same") => (200, vec![header("x", b""); number("n", 26_000)]),
            Some("spin") => spin(),
            Some("hop") => (200, of_the_connection()),
            Some("error") => return Err("\x1b[2J\x07error\n".repeat(number("n", 100_000))),
            Some("status") => (u16::try_from(number("code", 101)).unwrap_or(u16::MAX), Vec::new()),
            _ => (200, many(number("n", 10_000), number("len", 100))),
        };
        Ok(Response { status, headers, body: b"bad headers\n".to_vec() })
    }
}

fn header(name: &str, value: &[u8]) -> Header {
    (name.to_owned(), value.to_vec())
}

/// Never comes back.
fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// A message is framed by these, or a connection is kept by them.
fn of_the_connection() -> Vec<Header> {
    let fields: [(&str, &[u8]); 9] = [
        ("connection", b"keep-alive, x-mine"),
        ("x-mine", b"1"),
        ("keep-alive", b"timeout=9999"),
        ("proxy-connection", b"keep-alive"),
        ("te", b"trailers"),
        ("transfer-encoding", b"chunked"),
        ("upgrade", b"websocket"),
        ("content-length", b"3"),
        ("content-length", b"999"),
    ];
    fields.map(|(name, value)| header(name, value)).to_vec()
}

fn many(count: usize, value_bytes: usize) -> Vec<Header> {
    (0..count).map(|index| header(&format!("x-{index}"), &vec![b'v'; value_bytes])).collect()
}

//! A TCP connection to somewhere else, to see what the host says to that: the one of `std`, over `wasi:sockets` 0.2.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::TcpStream;

use crate::standard;

/// What came back from `to` for what was sent, or the error; by the query of a visitor's request.
pub fn attempt(query: &str) -> String {
    let (to, sent) = (standard::value(query, "to").unwrap_or_default(), standard::value(query, "send"));
    match talk(to, sent.unwrap_or_default()) {
        Ok(answer) => format!("connect: answered {answer}\n"),
        Err(error) => format!("connect: {:?}: {error}\n", error.kind()),
    }
}

/// As many connections to `to` as there can be at once, up to `most`: how many, and the error that ended it.
pub fn attempt_many(query: &str) -> String {
    let to = standard::value(query, "to").unwrap_or_default();
    let most = standard::value(query, "most").and_then(|most| most.parse().ok()).unwrap_or(1);
    let mut held = Vec::new();
    while held.len() < most {
        match TcpStream::connect(to) {
            Ok(stream) => held.push(stream),
            Err(error) => return format!("connect: {} and then {:?}: {error}\n", held.len(), error.kind()),
        }
    }
    format!("connect: {}\n", held.len())
}

fn talk(to: &str, sent: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(to)?;
    stream.write_all(sent.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

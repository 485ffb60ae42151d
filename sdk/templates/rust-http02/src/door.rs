//! Where the host comes in: `wasi:http` 0.2. Bodies are streams, and the visitor reads while the app writes.

use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::Fields;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::Method;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::streams::OutputStream;
use wasip2::io::streams::StreamError;

use crate::page;
use crate::page::Answer;

/// As much as is held of a body at a time.
const PIECE_BYTES_MAX: u64 = 64 << 10;
const PAUSE_NS: u64 = 200_000_000;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

struct App;

wasip2::http::proxy::export!(App);

impl Guest for App {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        match page::answer(&method(&request), &target, &mount(&request)) {
            Answer::Page(page) => send(out, 200, &[("content-type", HTML)], |to| {
                write(to, page.as_bytes())
            }),
            Answer::Lines(count) => {
                send(out, 200, &[("content-type", TEXT)], |to| lines(to, count))
            }
            Answer::Echo => send(out, 200, &[("content-type", TEXT)], |to| copy(&request, to)),
            Answer::NotFound => send(out, 404, &[("content-type", TEXT)], |to| {
                write(to, b"404: there is no such page here\n")
            }),
            Answer::WrongMethod(allowed) => {
                let fields = [("content-type", TEXT), ("allow", allowed)];
                send(out, 405, &fields, |to| {
                    write(to, format!("405: this page takes {allowed}\n").as_bytes())
                })
            }
        }
    }
}

/// Sends a head, then what `body` writes. A body that is not finished counts as broken, and its connection is cut.
fn send(
    out: ResponseOutparam,
    status: u16,
    fields: &[(&str, &str)],
    body: impl FnOnce(&OutputStream) -> Result<(), StreamError>,
) {
    let head = Fields::new();
    for (name, value) in fields {
        head.append(name, value.as_bytes())
            .expect("the names and values are plain");
    }
    let response = OutgoingResponse::new(head);
    response
        .set_status_code(status)
        .expect("the status is one of HTTP's");
    let outgoing = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));

    let stream = outgoing.write().expect("the stream is taken once");
    let written = body(&stream);
    // The stream is the body's child and has to end before it.
    drop(stream);
    match written {
        // `Closed` is a visitor who has gone: there is nobody to answer.
        Ok(()) | Err(StreamError::Closed) => drop(OutgoingBody::finish(outgoing, None)),
        Err(StreamError::LastOperationFailed(error)) => {
            eprintln!("the response broke off: {error}")
        }
    }
}

fn lines(to: &OutputStream, count: u32) -> Result<(), StreamError> {
    for number in 1..=count {
        monotonic_clock::subscribe_duration(PAUSE_NS).block();
        write(to, page::line(number).as_bytes())?;
        to.blocking_flush()?;
    }
    Ok(())
}

/// Piece by piece, never held as a whole.
fn copy(request: &IncomingRequest, to: &OutputStream) -> Result<(), StreamError> {
    let body = request.consume().expect("the body is taken once");
    let from = body.stream().expect("the stream is taken once");
    loop {
        match from.blocking_read(PIECE_BYTES_MAX) {
            Ok(piece) => write(to, &piece)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(broken) => return Err(broken),
        }
    }
}

/// Writes as much as the host permits, and waits while that is nothing: a slow visitor slows the app down, and fills
/// no memory.
fn write(to: &OutputStream, mut piece: &[u8]) -> Result<(), StreamError> {
    while !piece.is_empty() {
        let permitted = to.check_write()?.min(piece.len() as u64) as usize;
        if permitted == 0 {
            to.subscribe().block();
            continue;
        }
        to.write(&piece[..permitted])?;
        piece = &piece[permitted..];
    }
    Ok(())
}

fn method(request: &IncomingRequest) -> String {
    match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    }
}

/// The prefix under which the app lies: the host says it in a field, and takes out what visitors send by that name.
fn mount(request: &IncomingRequest) -> String {
    let values = request.headers().get("x-forwarded-prefix");
    values
        .into_iter()
        .next()
        .and_then(|value| String::from_utf8(value).ok())
        .unwrap_or_default()
}

//! Heads and ends that no response should have.

use guest_support::mischief;
use guest_support::standard;
use guest_support::standard::Answer;
use wasip2::http::types::Fields;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;

/// A status of choice, unless the interface refuses it.
pub fn status(out: ResponseOutparam, code: u64) {
    let response = OutgoingResponse::new(Fields::new());
    if response.set_status_code(u16::try_from(code).unwrap_or(u16::MAX)).is_err() {
        return standard::text(out, 200, "refused\n");
    }
    send(out, response, b"a status\n");
}

/// A field of choice, unless the interface refuses it. `split` and `name` are broken ones.
pub fn field(out: ResponseOutparam, name: &str) {
    let fields = Fields::new();
    let appended = match name {
        "split" => fields.append("x-split", b"one\r\nset-cookie: stolen=1\r\n\r\n<p>"),
        "name" => fields.append("not a\r\nname", b"1"),
        "content-length" => fields.append(name, b"5, 6"),
        name => fields.append(name, b"close"),
    };
    match appended {
        Err(error) => standard::text(out, 200, &format!("refused: {error:?}\n")),
        Ok(()) => send(out, OutgoingResponse::new(fields), b"a field\n"),
    }
}

/// As many fields as asked for, unless the interface refuses them.
pub fn fields(out: ResponseOutparam, count: u64, length: u64) {
    let fields = Fields::new();
    let value = vec![b'v'; length as usize];
    for number in 0..count {
        if let Err(error) = fields.append(&mischief::field_name(number), &value) {
            return standard::text(out, 200, &format!("refused after {number}: {error:?}\n"));
        }
    }
    send(out, OutgoingResponse::new(fields), b"fields\n");
}

/// A body that is not as long as its head says.
pub fn measured(out: ResponseOutparam, body: &[u8], length: u64) {
    let fields = Fields::new();
    fields.append("content-length", length.to_string().as_bytes()).expect("the length is a guest's to say");
    send(out, OutgoingResponse::new(fields), body);
}

/// A body that is written and never finished: its handle is given back, or not.
pub fn unfinished(out: ResponseOutparam, is_dropped: bool) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    let _ = stream.blocking_write_and_flush(b"first\n");
    if is_dropped {
        drop(stream);
        drop(body);
    } else {
        std::mem::forget((stream, body));
    }
}

/// Writes its body before anybody is told of the response.
pub fn early(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("the body is taken once");
    let stream = body.write().expect("the stream is taken once");
    for _ in 0..1000 {
        let _ = stream.blocking_write_and_flush(&[b'x'; 4096]);
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    ResponseOutparam::set(out, Ok(response));
}

/// Two responses to one request.
pub fn twice(out: ResponseOutparam) {
    // SAFETY: it is no longer there when it is used the second time, which the host has to notice.
    let again = unsafe { ResponseOutparam::from_handle(out.handle()) };
    let first = Answer::begin(out, 200, "text/plain");
    let _ = first.piece(b"first\n");
    ResponseOutparam::set(again, Ok(OutgoingResponse::new(Fields::new())));
    first.end(None);
}

/// As many fields as asked for, after the body.
pub fn trailers(out: ResponseOutparam, count: u64) {
    let trailers = Fields::new();
    for number in 0..count {
        if let Err(error) = trailers.append(&mischief::field_name(number), b"v") {
            return standard::text(out, 200, &format!("refused after {number}: {error:?}\n"));
        }
    }
    let answer = Answer::begin(out, 200, "text/plain");
    let _ = answer.piece(b"first\n");
    answer.end(Some(trailers));
}

fn send(out: ResponseOutparam, response: OutgoingResponse, content: &[u8]) {
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    let _ = stream.blocking_write_and_flush(content);
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

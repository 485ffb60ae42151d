//! Heads and ends that no response should have.

use guest_support::mischief;
use guest_support::service;
use guest_support::service::Answer;
use wasip3::http::types::Fields;
use wasip3::http::types::Response;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_future;
use wasip3::wit_stream;

/// A status of choice, unless the interface refuses it.
pub fn status(code: u64) -> Response {
    let response = with(Fields::new());
    match response.set_status_code(u16::try_from(code).unwrap_or(u16::MAX)) {
        Ok(()) => response,
        Err(()) => service::text(200, "refused\n"),
    }
}

/// A field of choice, unless the interface refuses it. `split` and `name` are broken ones.
pub fn field(name: &str) -> Response {
    let fields = Fields::new();
    let appended = match name {
        "split" => fields.append("x-split", b"one\r\nset-cookie: stolen=1\r\n\r\n<p>"),
        "name" => fields.append("not a\r\nname", b"1"),
        "content-length" => fields.append(name, b"5, 6"),
        name => fields.append(name, b"close"),
    };
    match appended {
        Err(error) => service::text(200, &format!("refused: {error:?}\n")),
        Ok(()) => with(fields),
    }
}

/// As many fields as asked for, unless the interface refuses them.
pub fn fields(count: u64, length: u64) -> Response {
    match many(count, &vec![b'v'; length as usize]) {
        Err(why) => service::text(200, &why),
        Ok(fields) => with(fields),
    }
}

/// As many fields as asked for, after the body.
pub fn trailers(count: u64) -> Response {
    let trailers = match many(count, b"v") {
        Err(why) => return service::text(200, &why),
        Ok(trailers) => trailers,
    };
    let (response, mut answer) = Answer::begin(200, "text/plain");
    spawn_local(async move {
        let _ = answer.piece(b"first\n").await;
        answer.end(Some(trailers)).await;
    });
    response
}

fn many(count: u64, value: &[u8]) -> Result<Fields, String> {
    let fields = Fields::new();
    for number in 0..count {
        let appended = fields.append(&mischief::field_name(number), value);
        appended.map_err(|error| format!("refused after {number}: {error:?}\n"))?;
    }
    Ok(fields)
}

fn with(fields: Fields) -> Response {
    let (mut stream, contents) = wit_stream::new();
    let (_, end) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, Some(contents), end);
    spawn_local(async move { stream.write_all(b"a head\n".to_vec()).await });
    response
}

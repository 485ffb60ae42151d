//! The app's record as a response; what HTTP cannot say is a 502.

use wasip2::http::types::Fields;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::streams::OutputStream;
use wasip2::io::streams::StreamError;

use crate::behind::guesthouse::gateway::types::Response;
use crate::fields;

/// Sends what the app has answered.
pub fn send(out: ResponseOutparam, record: Response) {
    let Response { status, headers, body } = record;
    match head(status, fields::of_response(headers), body.len()) {
        Ok(response) => write(out, response, if has_body(status) { &body } else { &[] }),
        Err(why) => {
            eprintln!("the app's response is not valid: {why}");
            say(out, 502, "502: the app could not answer\n");
        }
    }
}

/// Sends a line of the adapter's own.
pub fn say(out: ResponseOutparam, status: u16, text: &str) {
    let fields = vec![("content-type".to_owned(), b"text/plain; charset=utf-8".to_vec())];
    let response = head(status, fields, text.len()).expect("the adapter's own words are valid");
    write(out, response, text.as_bytes());
}

fn head(status: u16, list: Vec<fields::Field>, length: usize) -> Result<OutgoingResponse, String> {
    if !(200..600).contains(&status) {
        return Err(format!("its status is {status}, not one of 200 to 599"));
    }
    let fields = Fields::new();
    for (name, value) in &list {
        let appended = fields.append(name, value);
        appended.map_err(|error| format!("its header `{}`: {error}", name.escape_debug()))?;
    }
    // For HEAD as well: the host that sends the head leaves the body out.
    if has_body(status) {
        let length = length.to_string();
        fields.append("content-length", length.as_bytes()).map_err(|error| format!("its length: {error}"))?;
    }
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).map_err(|()| format!("its status is {status}"))?;
    Ok(response)
}

/// RFC 9110 sections 15.3.5 and 15.4.5.
fn has_body(status: u16) -> bool {
    !matches!(status, 204 | 304)
}

fn write(out: ResponseOutparam, response: OutgoingResponse, bytes: &[u8]) {
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    let written = pour(&stream, bytes);
    // The stream is the body's child and has to end before it.
    drop(stream);
    // A visitor who has gone, or wanted the head alone, leaves nobody to tell.
    if written.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Writes as much as the host permits, and waits while that is nothing.
fn pour(to: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let permitted = to.check_write()?.min(bytes.len() as u64) as usize;
        if permitted == 0 {
            to.subscribe().block();
            continue;
        }
        to.write(&bytes[..permitted])?;
        bytes = &bytes[permitted..];
    }
    Ok(())
}

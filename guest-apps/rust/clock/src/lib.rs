//! Server-sent events in the 0.2 lane: a page whose clock the app itself moves, once a second.

mod events;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::Fields;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::OutgoingBody;
use wasip2::http::types::OutgoingResponse;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::streams::OutputStream;

const PAGE: &str = include_str!("page.html");

struct Clock;

wasip2::http::proxy::export!(Clock);

impl Guest for Clock {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/" => answer(out, 200, "text/html; charset=utf-8", |stream| write(stream, PAGE)),
            "/events" => {
                let pace = events::Pace::from_query(query);
                answer(out, 200, "text/event-stream", |stream| events::send(&pace, |event| write(stream, event)));
            }
            _ => answer(out, 404, "text/plain", |stream| write(stream, "404: there is a clock, and nothing else\n")),
        }
    }
}

/// Sends a head, and then whatever `send` writes.
fn answer(out: ResponseOutparam, status: u16, media_type: &str, send: impl FnOnce(&OutputStream) -> StillThere) {
    let fields = Fields::new();
    fields.append("content-type", media_type.as_bytes()).expect("`content-type` is a guest's to say");
    fields.append("cache-control", b"no-store").expect("`cache-control` is a guest's to say");
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("the status is one of HTTP's");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));

    let stream = body.write().expect("the stream is taken once");
    send(&stream);
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Whether the visitor is still there to be written to.
type StillThere = bool;

fn write(stream: &OutputStream, text: &str) -> StillThere {
    // WASI allows at most 4096 bytes in one blocking write.
    text.as_bytes().chunks(4096).all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
}

//! Shows visitors their own request: line, headers, cookies, query, form and body, as text and as bytes.

mod dump;
mod page;

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;
use guesthouse::form;
use guesthouse::http::HeaderValue;
use guesthouse::http::header;

/// A browser keeps about 4 KiB for a cookie; a note needs less.
const NOTE_BYTES_MAX: usize = 1024;

guesthouse::app!(handle);

fn handle(request: Request) -> Response {
    let page =
        Response::html(page::of(&request)).with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match request.form_value("note") {
        Some(note) if note.len() <= NOTE_BYTES_MAX => page.with_header(header::SET_COOKIE, cookie(&request, &note)),
        _ => page,
    }
}

/// The note as a cookie of this app alone.
fn cookie(request: &Request, note: &str) -> HeaderValue {
    let path = request.link("/");
    let text = format!("note={}; Path={path}; Max-Age=3600; HttpOnly; SameSite=Lax", form::encode(note));
    HeaderValue::try_from(text).expect("an encoded note and a checked mount are visible ASCII")
}

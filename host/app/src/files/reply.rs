//! The response for a chosen file: its head, and as much of it as is asked for. Blocks while it reads the first piece.

use std::fs::File;
use std::fs::Metadata;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::coding::Accepted;
use crate::coding::Coding;
use crate::files::body::FileBody;
use crate::files::budget::FileBuffers;
use crate::files::conditions::Conditions;
use crate::files::conditions::Precondition;
use crate::files::conditions::Validators;
use crate::files::error::FileError;
use crate::files::turns::BlockingPermits;

/// A file that is to be sent.
pub struct Chosen {
    /// Open.
    pub file: File,
    /// What it was when it was opened.
    pub metadata: Metadata,
    /// What kind of thing it is, before any coding.
    pub media_type: String,
    /// Whether that is worth compressing.
    pub is_compressible: bool,
    /// What it was compressed with beforehand.
    pub coding: Option<Coding>,
}

/// What is asked about a file.
#[derive(Clone)]
pub struct Question {
    /// Only the head is wanted.
    pub is_head: bool,
    /// What the visitor has of it.
    pub conditions: Conditions,
    /// Which codings the visitor takes.
    pub accepted: Accepted,
}

/// Answers `question` with `chosen`, which a visitor may keep for `max_age` without asking again.
pub fn reply(
    chosen: Chosen,
    max_age: Option<Duration>,
    question: &Question,
    turns: BlockingPermits,
    buffers: &mut FileBuffers,
) -> Result<Response<FileBody>, FileError> {
    let length = chosen.metadata.size();
    let validators = Validators::of(&chosen.metadata, SystemTime::now());
    let verdict = question.conditions.judge(&validators, length, question.is_head);
    let mut headers = HeaderMap::with_capacity(16);
    about_caching(&mut headers, &validators, max_age, chosen.is_compressible);
    let (status, bytes) = match verdict {
        Precondition::Whole => (StatusCode::OK, 0..length),
        Precondition::Part(bytes) => {
            let range = format!("bytes {}-{}/{length}", bytes.start, bytes.end.saturating_sub(1));
            put(&mut headers, header::CONTENT_RANGE, &range);
            (StatusCode::PARTIAL_CONTENT, bytes)
        }
        Precondition::NotModified => return Ok(without_body(StatusCode::NOT_MODIFIED, headers)),
        Precondition::Failed => return Ok(without_body(StatusCode::PRECONDITION_FAILED, HeaderMap::new())),
        Precondition::Unsatisfiable => {
            let mut headers = HeaderMap::new();
            put(&mut headers, header::CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(without_body(StatusCode::RANGE_NOT_SATISFIABLE, headers));
        }
    };
    about_content(&mut headers, &chosen, &bytes);
    let body =
        if question.is_head { FileBody::untold(bytes) } else { FileBody::begin(chosen.file, bytes, turns, buffers)? };
    Ok(response(status, headers, body))
}

/// What a 304 says again.
fn about_caching(headers: &mut HeaderMap, validators: &Validators, max_age: Option<Duration>, is_compressible: bool) {
    put(headers, header::ETAG, &validators.tag);
    if let Some(modified) = validators.modified {
        put(headers, header::LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    }
    match max_age {
        Some(max_age) => put(headers, header::CACHE_CONTROL, &format!("max-age={}", max_age.as_secs())),
        // Kept, but asked about each time: a new file is seen at once, and an old one costs no bytes.
        None => put(headers, header::CACHE_CONTROL, "no-cache"),
    }
    if is_compressible {
        // Another visitor may be sent a sibling.
        put(headers, header::VARY, "accept-encoding");
    }
}

fn about_content(headers: &mut HeaderMap, chosen: &Chosen, bytes: &Range<u64>) {
    put(headers, header::CONTENT_TYPE, &chosen.media_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.end - bytes.start));
    put(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    match chosen.coding {
        Some(coding) => headers.insert(header::CONTENT_ENCODING, coding.value()),
        None => headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    };
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).expect("what we write ourselves is plain text"));
}

fn without_body(status: StatusCode, headers: HeaderMap) -> Response<FileBody> {
    response(status, headers, FileBody::empty())
}

fn response(status: StatusCode, headers: HeaderMap, body: FileBody) -> Response<FileBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

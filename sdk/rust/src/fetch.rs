//! Requests to the outside, over `wasi:http/outgoing-handler` 0.2.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use wasip2::http::outgoing_handler;
use wasip2::http::types as wasi;
use wasip2::http::types::ErrorCode;
use wasip2::io::streams::StreamError;

use crate::Request;
use crate::Response;

/// What one blocking write takes (`wasi:io/streams`).
const WRITE_BYTES_MAX: usize = 4096;

/// What is read at once.
const READ_BYTES_MAX: u64 = 64 << 10;

/// Why there is no answer. The host's log has the reason in full.
#[derive(Debug)]
pub enum FetchError {
    /// The URI has no host, or a scheme that is not `http` or `https`.
    Uri(String),
    /// A field that a guest may not say, or that is not one.
    Field(String),
    /// The host, or the other end, says no.
    Code(ErrorCode),
    /// The answer broke off, with what was said of that.
    Broken(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(uri) => write!(formatter, "`{uri}` is not the address of a request: `https://host/path`"),
            Self::Field(name) => write!(formatter, "the field `{name}` cannot be sent"),
            Self::Code(ErrorCode::HttpRequestDenied) => {
                formatter.write_str("not granted: `[outbound] http` in the manifest names where requests go")
            }
            Self::Code(code) => write!(formatter, "no answer: {code}"),
            Self::Broken(why) => write!(formatter, "the answer broke off: {why}"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Sends a request to the outside and waits for the whole answer.
///
/// ```no_run
/// # use guesthouse::http;
/// let request = http::Request::get("https://api.example.com/rates").body(Vec::new())?;
/// let rates = guesthouse::fetch(request)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Where it may go is granted: the manifest asks (`[outbound] http`), the operator's policy allows. A redirect is an answer
/// like any other, and nothing is decompressed.
///
/// # Errors
///
/// When nothing was granted, nobody answers, or the answer breaks off.
pub fn fetch(request: Request) -> Result<Response, FetchError> {
    fetch_within(request, None)
}

/// The same, for no longer than `within` to the answer's head.
///
/// # Errors
///
/// As [`fetch`]; with [`ErrorCode::ConnectionReadTimeout`] when the time is over.
pub fn fetch_within(request: Request, within: impl Into<Option<Duration>>) -> Result<Response, FetchError> {
    let (parts, body) = request.into_parts();
    let outgoing = wasi::OutgoingRequest::new(fields(&parts.headers)?);
    let wrong = |()| FetchError::Uri(parts.uri.to_string());
    let scheme = match parts.uri.scheme_str() {
        Some("http") => wasi::Scheme::Http,
        Some("https") => wasi::Scheme::Https,
        _ => return Err(wrong(())),
    };
    let authority = parts.uri.authority().ok_or_else(|| wrong(()))?;
    outgoing.set_method(&method(&parts.method)).map_err(wrong)?;
    outgoing.set_scheme(Some(&scheme)).map_err(wrong)?;
    outgoing.set_authority(Some(authority.as_str())).map_err(wrong)?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    outgoing.set_path_with_query(Some(target)).map_err(wrong)?;
    let options = within.into().map(options);
    let sent = outgoing.body().expect("the body is taken once");
    let answer = outgoing_handler::handle(outgoing, options).map_err(FetchError::Code)?;
    // Whoever refuses the request need not read it: what counts is the answer.
    let _ = write(&sent, &body);
    let _ = wasi::OutgoingBody::finish(sent, None);
    answer.subscribe().block();
    let answer = answer.get().expect("it is ready").expect("it is asked once").map_err(FetchError::Code)?;
    read(answer)
}

fn options(within: Duration) -> wasi::RequestOptions {
    let options = wasi::RequestOptions::new();
    let nanoseconds = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
    // A host that knows no such bound has its own.
    let _ = options.set_first_byte_timeout(Some(nanoseconds));
    options
}

fn fields(headers: &HeaderMap) -> Result<wasi::Fields, FetchError> {
    let fields = wasi::Fields::new();
    for (name, value) in headers {
        let wrong = |_| FetchError::Field(name.to_string());
        fields.append(name.as_str(), value.as_bytes()).map_err(wrong)?;
    }
    Ok(fields)
}

fn method(method: &http::Method) -> wasi::Method {
    match method.as_str() {
        "GET" => wasi::Method::Get,
        "HEAD" => wasi::Method::Head,
        "POST" => wasi::Method::Post,
        "PUT" => wasi::Method::Put,
        "DELETE" => wasi::Method::Delete,
        "CONNECT" => wasi::Method::Connect,
        "OPTIONS" => wasi::Method::Options,
        "TRACE" => wasi::Method::Trace,
        "PATCH" => wasi::Method::Patch,
        other => wasi::Method::Other(other.to_owned()),
    }
}

fn write(body: &wasi::OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().expect("the stream is taken once");
    bytes.chunks(WRITE_BYTES_MAX).try_for_each(|piece| stream.blocking_write_and_flush(piece))
}

fn read(answer: wasi::IncomingResponse) -> Result<Response, FetchError> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() =
        StatusCode::from_u16(answer.status()).map_err(|error| FetchError::Broken(error.to_string()))?;
    for (name, value) in answer.headers().entries() {
        // The host has read them as fields already.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    let body = answer.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    loop {
        match stream.blocking_read(READ_BYTES_MAX) {
            Ok(piece) => response.body_mut().extend(piece),
            Err(StreamError::Closed) => return Ok(response),
            Err(StreamError::LastOperationFailed(error)) => return Err(FetchError::Broken(error.to_debug_string())),
        }
    }
}

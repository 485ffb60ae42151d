//! The request as the gateway's record: complete, with what the app may be shown.

use wasip2::http::types::ErrorCode;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::Method;
use wasip2::http::types::Scheme;
use wasip2::http::types::http_error_code;
use wasip2::io::streams::StreamError;
use wasip2::random::random::get_random_u64;

use crate::behind::guesthouse::gateway::types::Request;
use crate::fields;
use crate::fields::Field;
use crate::forwarded;

/// As much of a body as guesthouse takes where nobody says otherwise.
const BODY_BYTES_MAX: usize = 16 << 20;
const PIECE_BYTES_MAX: u64 = 64 << 10;

/// Why the app is not asked.
pub struct Refused {
    pub status: u16,
    pub text: &'static str,
}

const TOO_LARGE: Refused = Refused { status: 413, text: "413: the request's body is too large\n" };
const TOO_SLOW: Refused = Refused { status: 408, text: "408: the request's body did not arrive in time\n" };
const BROKEN: Refused = Refused { status: 400, text: "400: the request's body broke off\n" };

/// Takes a request in.
pub fn read(request: IncomingRequest) -> Result<Request, Refused> {
    let all = request.headers().entries();
    if declared_length(&all).is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(TOO_LARGE);
    }
    let target = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    };
    Ok(Request {
        method: method(request.method()),
        scheme: forwarded::scheme(&all).unwrap_or_else(|| scheme(request.scheme())),
        authority: request.authority().or_else(|| forwarded::host(&all)).unwrap_or_default(),
        mount: forwarded::mount(&all),
        path: if path.starts_with('/') { path } else { format!("/{path}") },
        query,
        body: body(&request)?,
        peer: forwarded::peer(&all),
        id: forwarded::id(&all).unwrap_or_else(random_id),
        headers: fields::of_request(all),
    })
}

fn body(request: &IncomingRequest) -> Result<Vec<u8>, Refused> {
    let body = request.consume().map_err(|()| BROKEN)?;
    let stream = body.stream().map_err(|()| BROKEN)?;
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(PIECE_BYTES_MAX) {
            Ok(piece) if whole.len() + piece.len() > BODY_BYTES_MAX => return Err(TOO_LARGE),
            Ok(piece) => whole.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Ok(whole),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(match http_error_code(&error) {
                    Some(ErrorCode::HttpRequestBodySize(_)) => TOO_LARGE,
                    Some(ErrorCode::ConnectionReadTimeout) => TOO_SLOW,
                    _ => BROKEN,
                });
            }
        }
    }
}

fn declared_length(fields: &[Field]) -> Option<u64> {
    let (_, value) = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn random_id() -> String {
    format!("{:016x}{:016x}", get_random_u64(), get_random_u64())
}

fn scheme(scheme: Option<Scheme>) -> String {
    match scheme {
        Some(Scheme::Https) => "https".to_owned(),
        Some(Scheme::Http | Scheme::Other(_)) | None => "http".to_owned(),
    }
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

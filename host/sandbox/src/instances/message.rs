//! What both `wasi:http` lanes share: the request as a guest sees it, and the head that comes back.

use std::fmt::Debug;
use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::header::HOST;
use http::uri::Scheme;
use http::uri::Uri;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;

use crate::bounds::deadline::Work;
use crate::fault::Fault;
use crate::instances::call::Call;
use crate::instances::idle::PutBack;
use crate::instances::response::GuestBody;
use crate::instances::response::Writing;
use crate::instances::unsent::unsent;
use crate::instances::writer::Begun;
use crate::instances::writer::Writer;
use crate::request::BodyError;
use crate::request::GuestRequest;

/// Runs a guest that has an instance to itself until it has handed over a head, and then for as long as its response
/// is small and nothing stands still.
pub(crate) async fn respond<E: Debug>(
    guest: Work<Option<PutBack>>,
    head: oneshot::Receiver<Result<Begun, E>>,
    mut call: Call,
) -> Result<Response<GuestBody>, Fault> {
    let mut guest = Writer::alone(guest, call.limits().cpu, call.turn.take());
    let deadline = call.limits().head;
    let begun = tokio::time::timeout(deadline, guest.head(head)).await.unwrap_or(Err(Fault::Head(deadline)))?;
    write(begun, guest, call).await
}

/// Fields of a response's head: ten times what a browser's servers send, and few enough for every map and every proxy.
pub(crate) const FIELDS_MAX: usize = 1_000;

/// Goes on from a head to its body.
pub(crate) async fn write(begun: Begun, writer: Writer, call: Call) -> Result<Response<GuestBody>, Fault> {
    let (parts, body) = begun.into_parts();
    if !(200..600).contains(&parts.status.as_u16()) {
        return Err(Fault::BadResponse(format!("its status is {}, not one of 200 to 599", parts.status.as_u16())));
    }
    if parts.headers.len() > FIELDS_MAX {
        return Err(Fault::BadResponse(format!(
            "its head has {} fields, and the limit is {FIELDS_MAX}",
            parts.headers.len()
        )));
    }
    let body = if call.is_head { unsent(body) } else { body };
    let body = Writing::new(body, writer, call).begin().await?;
    Ok(Response::from_parts(parts, body))
}

const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request as `wasi:http` knows it. What its records have no place for travels in headers that only the host may set:
/// the mount, the visitor's address, the scheme, the id.
pub(crate) fn incoming(request: GuestRequest) -> Result<Request<WasiBody>, Fault> {
    let mut headers = request.headers;
    if !headers.contains_key(HOST) {
        set(&mut headers, HOST, request.authority.as_str());
    }
    if !request.mount.is_empty() {
        set(&mut headers, PREFIX, &request.mount);
    }
    if let Some(peer) = request.peer {
        set(&mut headers, FOR, &text_of(peer));
    }
    let proto = if request.scheme == Scheme::HTTPS { "https" } else { "http" };
    headers.insert(PROTO, HeaderValue::from_static(proto));
    set(&mut headers, FORWARDED_HOST, request.authority.as_str());
    set(&mut headers, REQUEST_ID, &request.id);
    let uri = Uri::builder().scheme(request.scheme).authority(request.authority).path_and_query(request.path_and_query);
    let uri = uri.build().map_err(|error| Fault::RequestBody(BodyError::Broken(error.to_string())))?;
    let mut message = Request::new(request.body.map_err(error_of).boxed_unsync());
    *message.method_mut() = request.method;
    *message.uri_mut() = uri;
    *message.headers_mut() = headers;
    Ok(message)
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn text_of(peer: IpAddr) -> String {
    peer.to_canonical().to_string()
}

/// What the guest is told when the request's body ends early.
fn error_of(error: BodyError) -> Error {
    match error {
        BodyError::TooLarge { bytes_max } => Error::HttpRequestBodySize(Some(bytes_max)),
        BodyError::Silent(_) | BodyError::Slow { .. } => Error::ConnectionReadTimeout,
        BodyError::Broken(_) => Error::ConnectionTerminated,
    }
}

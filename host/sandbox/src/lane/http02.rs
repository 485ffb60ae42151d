//! The standard lane: `wasi:http/incoming-handler@0.2`, streaming both ways.

use std::net::IpAddr;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::header::HOST;
use http::uri::Scheme;
use http::uri::Uri;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::oneshot;
use wasmtime::Engine;
use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme as WasiScheme;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use crate::deadline::Run;
use crate::fault::Fault;
use crate::request::BodyError;
use crate::request::GuestRequest;
use crate::response::GuestBody;
use crate::response::Writing;
use crate::store::State;
use crate::visit::Visit;

/// A guest of the `wasi:http/proxy` world.
pub(crate) struct Http02 {
    proxy: ProxyPre<State>,
}

/// What the guest hands to `response-outparam`.
type Head = Result<Response<HyperOutgoingBody>, ErrorCode>;

impl Http02 {
    pub(crate) fn new(linked: InstancePre<State>) -> wasmtime::Result<Http02> {
        Ok(Http02 { proxy: ProxyPre::new(linked)? })
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.proxy.engine()
    }

    pub(crate) async fn probe(&self, mut store: Store<State>, visit: Visit) -> Result<(), Fault> {
        let proxy = self.proxy.clone();
        let made = async move {
            let made = proxy.instantiate_async(&mut store).await;
            made.map(drop).map_err(|error| Fault::from_wasmtime(&error, &store.data().memory))
        };
        let head = visit.limits.head;
        tokio::time::timeout(head, Run::new(made, visit.limits.cpu)).await.unwrap_or(Err(Fault::Head(head)))
    }

    pub(crate) async fn call(
        &self,
        mut store: Store<State>,
        request: GuestRequest,
        visit: Visit,
    ) -> Result<Response<GuestBody>, Fault> {
        let internal = |error: wasmtime::Error| Fault::Full(format!("{error:#}"));
        let (sender, head) = oneshot::channel();
        let scheme = if request.scheme == Scheme::HTTPS { WasiScheme::Https } else { WasiScheme::Http };
        let incoming = store.data_mut().http().new_incoming_request(scheme, incoming(request)?).map_err(internal)?;
        let outparam = store.data_mut().http().new_response_outparam(sender).map_err(internal)?;
        let proxy = self.proxy.clone();
        let guest = async move {
            let called = match proxy.instantiate_async(&mut store).await {
                Ok(guest) => guest.wasi_http_incoming_handler().call_handle(&mut store, incoming, outparam).await,
                Err(error) => Err(error),
            };
            called.map_err(|error| Fault::from_wasmtime(&error, &store.data().memory))
        };
        let mut guest = Run::new(guest, visit.limits.cpu);
        let deadline = visit.limits.head;
        let (response, ended) =
            tokio::time::timeout(deadline, head_of(&mut guest, head)).await.unwrap_or(Err(Fault::Head(deadline)))?;
        let (parts, body) = response.into_parts();
        if !(200..600).contains(&parts.status.as_u16()) {
            return Err(Fault::BadResponse(format!("its status is {}, not one of 200 to 599", parts.status.as_u16())));
        }
        let body = Writing::new(body, (!ended).then_some(guest), visit).begin().await?;
        Ok(Response::from_parts(parts, body))
    }
}

/// Runs the guest until it has handed over a response's head; tells whether it ended at that.
async fn head_of(
    guest: &mut Run<()>,
    mut head: oneshot::Receiver<Head>,
) -> Result<(Response<HyperOutgoingBody>, bool), Fault> {
    let (head, ended) = tokio::select! {
        biased;
        // The guest first: its sender is only ever used while it is polled.
        ended = &mut *guest => {
            ended?;
            (head.try_recv().map_err(|_| Fault::NoResponse)?, true)
        }
        head = &mut head => match head {
            Ok(head) => (head, false),
            // The guest dropped its outparam and goes on: it ends, or its deadline comes.
            Err(_) => {
                guest.await?;
                return Err(Fault::NoResponse);
            }
        },
    };
    match head {
        Ok(response) => Ok((response, ended)),
        Err(code) => Err(Fault::Guest(format!("{code:?}"))),
    }
}

/// The request as `wasi:http` knows it. What its records have no place for travels in headers that only the host may set:
/// the mount, the visitor's address, the scheme, the id.
fn incoming(request: GuestRequest) -> Result<Request<UnsyncBoxBody<Bytes, Error>>, Fault> {
    let mut headers = request.headers;
    if !headers.contains_key(HOST) {
        set(&mut headers, "host", request.authority.as_str());
    }
    if !request.mount.is_empty() {
        set(&mut headers, "x-forwarded-prefix", &request.mount);
    }
    if let Some(peer) = request.peer {
        set(&mut headers, "x-forwarded-for", &text_of(peer));
    }
    set(&mut headers, "x-forwarded-proto", request.scheme.as_str());
    set(&mut headers, "x-forwarded-host", request.authority.as_str());
    set(&mut headers, "x-request-id", &request.id);
    let uri = Uri::builder().scheme(request.scheme).authority(request.authority).path_and_query(request.path_and_query);
    let uri = uri.build().map_err(|error| Fault::RequestBody(BodyError::Broken(error.to_string())))?;
    let mut message = Request::new(request.body.map_err(error_of).boxed_unsync());
    *message.method_mut() = request.method;
    *message.uri_mut() = uri;
    *message.headers_mut() = headers;
    Ok(message)
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
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
        BodyError::Silent(_) => Error::ConnectionReadTimeout,
        BodyError::Broken(_) => Error::ConnectionTerminated,
    }
}

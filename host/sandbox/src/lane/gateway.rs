//! The gateway lane: one function, a record in, a record out (`wit/gateway.wit`).

use std::sync::Arc;

use bytes::Bytes;
use bytes::BytesMut;
use guesthouse_types::escape::one_line;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use self::bindings::App;
use self::bindings::AppPre;
use self::bindings::guesthouse::gateway::types;
use crate::bounds::deadline;
use crate::bounds::memory::Account;
use crate::bounds::memory::Share;
use crate::fault::Fault;
use crate::fault::MEMORY_IS_USED_UP;
use crate::instances::call::Call;
use crate::instances::idle::IdleInstances;
use crate::instances::instance::InstanceFactory;
use crate::instances::instance::InstanceSource;
use crate::instances::message::FIELDS_MAX;
use crate::instances::response::GuestBody;
use crate::instances::store::Common;
use crate::instances::store::State;
use crate::request::GuestRequest;
use crate::request::Received;
use crate::request::Whole;

#[allow(missing_docs, clippy::all, reason = "generated from `wit/gateway.wit`")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "guesthouse:gateway/app",
        exports: { default: async },
        // A request is handed over as it lies there, without a copy of each of its texts.
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// Bytes of a response's head: as much as the host takes from a visitor, and room for cookies.
const HEAD_BYTES_MAX: usize = 128 << 10;

/// A gateway guest.
pub(crate) struct Gateway {
    app: AppPre<State>,
    idle_instances: Arc<IdleInstances<App>>,
}

impl Gateway {
    pub(crate) fn new(linked: InstancePre<State>, common: &Common) -> wasmtime::Result<Gateway> {
        Ok(Gateway { app: AppPre::new(linked)?, idle_instances: IdleInstances::new(common) })
    }

    pub(crate) fn forget(&self) {
        self.idle_instances.forget();
    }

    pub(crate) fn factory(&self) -> &AppPre<State> {
        &self.app
    }

    pub(crate) async fn call(&self, received: Received, mut call: Call) -> Result<Response<GuestBody>, Fault> {
        let start = InstanceSource::new(self.idle_instances.take(), self.app.engine(), &call.common, &call.log_context);
        let app = self.app.clone();
        let guest = Box::pin(async move {
            let mut instance = start.instance(&app).await?;
            let called = {
                let Received { request, body } = received;
                let peer = request.peer.map(|peer| peer.to_string());
                let fields = fields(&request.headers);
                let record = record(&request, &fields, peer.as_deref(), body.as_ref());
                let called = instance.exports.guesthouse_gateway_handler();
                called.call_handle(&mut instance.store, record).await
            };
            let response = called.map_err(|error| instance.fault(&error))?.map_err(|said| Fault::said(&said))?;
            Ok((response, instance))
        });
        let turn = call.turn.take();
        let (response, instance) = deadline::within(guest, call.limits(), turn).await?;
        let response = message(response, call.limits().response_bytes_max)?;
        if let Some(keep) = self.idle_instances.keep(instance) {
            keep();
        }
        Ok(response)
    }
}

impl InstanceFactory for AppPre<State> {
    type Exports = App;

    fn linked(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn make(&self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<App>> + Send {
        self.instantiate_async(store)
    }
}

/// Takes in a request's whole body, counted as the guest's memory for as long as the host holds it.
pub(crate) async fn receive(mut request: GuestRequest, account: &Arc<Account>) -> Result<Received, Fault> {
    let mut share = Share::new(account);
    let mut bytes = BytesMut::new();
    while let Some(frame) = request.body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if !share.grow(data.len() as u64) {
            return Err(Fault::Full(MEMORY_IS_USED_UP.to_owned()));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Received { request, body: Some(Whole { bytes: bytes.freeze(), _share: share }) })
}

fn fields(headers: &HeaderMap) -> Vec<types::HeaderParam<'_>> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// The request as the guest's record.
fn record<'request>(
    request: &'request GuestRequest,
    fields: &'request [types::HeaderParam<'request>],
    peer: Option<&'request str>,
    body: Option<&'request Whole>,
) -> types::Request<'request> {
    types::Request {
        method: request.method.as_str(),
        scheme: request.scheme.as_str(),
        authority: request.authority.as_str(),
        mount: &request.mount,
        path: request.path_and_query.path(),
        query: request.path_and_query.query(),
        headers: fields,
        body: body.map_or(&[], |whole| &whole.bytes),
        peer,
        id: &request.id,
    }
}

/// The guest's record as a response; a fault when it cannot be said in HTTP.
fn message(record: types::Response, body_bytes_max: u64) -> Result<Response<GuestBody>, Fault> {
    let bad = |text: String| Fault::bad_response(&text);
    let status = StatusCode::from_u16(record.status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| bad(format!("its status is {}, not one of 200 to 599", record.status)))?;
    if record.body.len() as u64 > body_bytes_max {
        let length = record.body.len();
        return Err(bad(format!("its body has {length} bytes, and the limit is {body_bytes_max}")));
    }
    let head_bytes: usize = record.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    if head_bytes > HEAD_BYTES_MAX {
        return Err(bad(format!("its head has {head_bytes} bytes, and the limit is {HEAD_BYTES_MAX}")));
    }
    // A map of headers panics when it is to hold tens of thousands, which fit in that many bytes.
    if record.headers.len() > FIELDS_MAX {
        return Err(bad(format!("its head has {} fields, and the limit is {FIELDS_MAX}", record.headers.len())));
    }
    let mut headers = HeaderMap::with_capacity(record.headers.len());
    for (name, value) in record.headers {
        let known = HeaderName::try_from(name.as_str())
            .map_err(|_| bad(format!("`{}` is not a header's name", one_line(&name))))?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| bad(format!("the value of its header `{known}` has bytes that HTTP does not allow")))?;
        if headers.try_append(known, value).is_err() {
            return Err(bad("it has too many headers".to_owned()));
        }
    }
    let mut response = Response::new(GuestBody::complete(Bytes::from(record.body)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, headers: &[(&str, &str)], expected: Result<u16, &str>) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let found = message(types::Response { status, headers, body: b"four".to_vec() }, 4);
        let found = found.map(|response| response.status().as_u16()).map_err(|fault| fault.to_string());
        assert_eq!(found, expected.map_err(|text| format!("the guest's response is not valid: {text}")));
    }

    #[test]
    fn a_record_must_be_sayable_in_http() {
        check(200, &[("content-type", "text/plain"), ("set-cookie", "a=1"), ("set-cookie", "b=2")], Ok(200));
        check(101, &[], Err("its status is 101, not one of 200 to 599"));
        check(999, &[], Err("its status is 999, not one of 200 to 599"));
        check(200, &[("a b", "c")], Err("`a b` is not a header's name"));
        check(
            200,
            &[("x", "a\r\nset-cookie: b=1")],
            Err("the value of its header `x` has bytes that HTTP does not allow"),
        );
        let many = vec![("x", ""); FIELDS_MAX + 1];
        check(200, &many[1..], Ok(200));
        check(200, &many, Err("its head has 1001 fields, and the limit is 1000"));
        // More than a map of headers can hold, in fewer bytes than a head may have.
        check(200, &vec![("", ""); 32_000], Err("its head has 32000 fields, and the limit is 1000"));
        check(200, &[("x", &"y".repeat(200_000))], Err("its head has 200005 bytes, and the limit is 131072"));
    }

    #[test]
    fn a_body_has_a_bound() {
        let record = types::Response { status: 200, headers: Vec::new(), body: b"fives".to_vec() };
        let fault = message(record, 4).err().unwrap();
        assert_eq!(fault.to_string(), "the guest's response is not valid: its body has 5 bytes, and the limit is 4");
    }
}

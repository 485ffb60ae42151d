//! The standard lane: `wasi:http/incoming-handler@0.2`, streaming both ways.

use std::sync::Arc;

use http::Response;
use http::uri::Scheme;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme as WasiScheme;

use crate::fault::Fault;
use crate::instance::Mould;
use crate::instance::Start;
use crate::lane::message;
use crate::lot::Lot;
use crate::request::GuestRequest;
use crate::response::GuestBody;
use crate::store::Common;
use crate::store::State;
use crate::visit::Visit;

/// A guest of the `wasi:http/proxy` world.
pub(crate) struct Http02 {
    proxy: ProxyPre<State>,
    lot: Arc<Lot<Proxy>>,
}

impl Http02 {
    pub(crate) fn new(linked: InstancePre<State>, common: &Common) -> wasmtime::Result<Http02> {
        Ok(Http02 { proxy: ProxyPre::new(linked)?, lot: Lot::new(common) })
    }

    pub(crate) fn forget(&self) {
        self.lot.forget();
    }

    pub(crate) fn mould(&self) -> &ProxyPre<State> {
        &self.proxy
    }

    pub(crate) async fn call(&self, request: GuestRequest, visit: Visit) -> Result<Response<GuestBody>, Fault> {
        let internal = |error: wasmtime::Error| Fault::Full(format!("{error:#}"));
        let mut start = Start::new(self.lot.take(), self.proxy.engine(), &visit.common, &visit.tag);
        let (sender, head) = oneshot::channel();
        let scheme = if request.scheme == Scheme::HTTPS { WasiScheme::Https } else { WasiScheme::Http };
        let incoming = message::incoming(request)?;
        let mut http = start.store().data_mut().http();
        let incoming = http.new_incoming_request(scheme, incoming).map_err(internal)?;
        let outparam = http.new_response_outparam(sender).map_err(internal)?;
        // The instance's own, which may have had other requests.
        let tag = start.store().data().tag.clone();
        let (proxy, lot) = (self.proxy.clone(), self.lot.clone());
        let guest = Box::pin(async move {
            let mut instance = start.instance(&proxy).await?;
            let called = instance.door.wasi_http_incoming_handler();
            let called = called.call_handle(&mut instance.store, incoming, outparam).await;
            called.map_err(|error| instance.fault(&error))?;
            Ok(lot.keep(instance))
        });
        match message::respond(guest, head, visit).await {
            Err(Fault::Head(time)) if tag.has_body() => Err(Fault::Unset(time)),
            response => response,
        }
    }
}

impl Mould for ProxyPre<State> {
    type Door = Proxy;

    fn linked(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn make(&self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<Proxy>> + Send {
        self.instantiate_async(store)
    }
}

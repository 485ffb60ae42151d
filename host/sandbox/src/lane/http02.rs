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
use crate::instances::call::Call;
use crate::instances::idle::IdleInstances;
use crate::instances::instance::InstanceFactory;
use crate::instances::instance::InstanceSource;
use crate::instances::message;
use crate::instances::response::GuestBody;
use crate::instances::store::Common;
use crate::instances::store::State;
use crate::request::GuestRequest;

/// A guest of the `wasi:http/proxy` world.
pub(crate) struct Http02 {
    proxy: ProxyPre<State>,
    idle_instances: Arc<IdleInstances<Proxy>>,
}

impl Http02 {
    pub(crate) fn new(linked: InstancePre<State>, common: &Common) -> wasmtime::Result<Http02> {
        Ok(Http02 { proxy: ProxyPre::new(linked)?, idle_instances: IdleInstances::new(common) })
    }

    pub(crate) fn forget(&self) {
        self.idle_instances.forget();
    }

    pub(crate) fn factory(&self) -> &ProxyPre<State> {
        &self.proxy
    }

    pub(crate) async fn call(&self, request: GuestRequest, call: Call) -> Result<Response<GuestBody>, Fault> {
        let internal = |error: wasmtime::Error| Fault::Full(format!("{error:#}"));
        let mut start =
            InstanceSource::new(self.idle_instances.take(), self.proxy.engine(), &call.common, &call.log_context);
        let (sender, head) = oneshot::channel();
        let scheme = if request.scheme == Scheme::HTTPS { WasiScheme::Https } else { WasiScheme::Http };
        let incoming = message::incoming(request)?;
        let mut http = start.store().data_mut().http();
        let incoming = http.new_incoming_request(scheme, incoming).map_err(internal)?;
        let outparam = http.new_response_outparam(sender).map_err(internal)?;
        // The instance's own, which may have had other requests.
        let log_context = start.store().data().log_context.clone();
        let (proxy, idle_instances) = (self.proxy.clone(), self.idle_instances.clone());
        let guest = Box::pin(async move {
            let mut instance = start.instance(&proxy).await?;
            let called = instance.exports.wasi_http_incoming_handler();
            let called = called.call_handle(&mut instance.store, incoming, outparam).await;
            called.map_err(|error| instance.fault(&error))?;
            Ok(idle_instances.keep(instance))
        });
        match message::respond(guest, head, call).await {
            Err(Fault::Head(time)) if log_context.has_body() => Err(Fault::Unset(time)),
            response => response,
        }
    }
}

impl InstanceFactory for ProxyPre<State> {
    type Exports = Proxy;

    fn linked(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn make(&self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<Proxy>> + Send {
        self.instantiate_async(store)
    }
}

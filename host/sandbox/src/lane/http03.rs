//! The standard lane with its asynchronous half: `wasi:http/handler@0.3`, streams handed through, and several requests at
//! once in one instance for those who ask for it.

use std::sync::Arc;

use http::Response;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::fault::Fault;
use crate::instances::call::Call;
use crate::instances::exchange::serve;
use crate::instances::idle::IdleInstances;
use crate::instances::instance::InstanceFactory;
use crate::instances::instance::InstanceSource;
use crate::instances::message;
use crate::instances::response::GuestBody;
use crate::instances::shared::SharedInstances;
use crate::instances::store::Common;
use crate::instances::store::State;
use crate::request::GuestRequest;

/// A guest of the `wasi:http/service` world.
pub(crate) struct Http03 {
    service: ServicePre<State>,
    idle_instances: Arc<IdleInstances<Service>>,
    /// Present when its instances answer several requests at once.
    shared: Option<SharedInstances>,
}

impl Http03 {
    pub(crate) fn new(linked: InstancePre<State>, common: &Arc<Common>) -> wasmtime::Result<Http03> {
        let instances = &common.settings.instances;
        let service = ServicePre::new(linked)?;
        let idle_instances = IdleInstances::new(common);
        let several = instances.are_reused() && instances.concurrent_max > 1;
        let shared = several.then(|| SharedInstances::new(service.clone(), idle_instances.clone(), common.clone()));
        Ok(Http03 { service, idle_instances, shared })
    }

    pub(crate) fn forget(&self) {
        self.idle_instances.forget();
    }

    pub(crate) fn factory(&self) -> &ServicePre<State> {
        &self.service
    }

    pub(crate) fn shares_instances(&self) -> bool {
        self.shared.is_some()
    }

    pub(crate) async fn call(&self, request: GuestRequest, call: Call) -> Result<Response<GuestBody>, Fault> {
        let incoming = message::incoming(request)?;
        if let Some(shared) = &self.shared {
            return shared.call(incoming, call).await;
        }
        let start =
            InstanceSource::new(self.idle_instances.take(), self.service.engine(), &call.common, &call.log_context);
        let (sender, head) = oneshot::channel();
        let (service, idle_instances) = (self.service.clone(), self.idle_instances.clone());
        let guest = Box::pin(async move {
            let mut instance = start.instance(&service).await?;
            let exports = &instance.exports;
            let ran =
                instance.store.run_concurrent(async |accessor| serve(accessor, exports, incoming, sender).await).await;
            ran.flatten().map_err(|error| instance.fault(&error))?;
            Ok(idle_instances.keep(instance))
        });
        message::respond(guest, head, call).await
    }
}

impl InstanceFactory for ServicePre<State> {
    type Exports = Service;

    fn linked(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn make(&self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<Service>> + Send {
        self.instantiate_async(store)
    }
}

//! The standard lane with its asynchronous half: `wasi:http/handler@0.3`, streams handed through, and several requests at
//! once in one instance for those who ask for it.

use std::sync::Arc;

use http::Response;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::crew::Crew;
use crate::fault::Fault;
use crate::instance::Mould;
use crate::instance::Start;
use crate::lane::exchange::serve;
use crate::lane::message;
use crate::lot::Lot;
use crate::request::GuestRequest;
use crate::response::GuestBody;
use crate::store::Common;
use crate::store::State;
use crate::visit::Visit;

/// A guest of the `wasi:http/service` world.
pub(crate) struct Http03 {
    service: ServicePre<State>,
    lot: Arc<Lot<Service>>,
    /// Present when its instances answer several requests at once.
    crew: Option<Crew>,
}

impl Http03 {
    pub(crate) fn new(linked: InstancePre<State>, common: &Arc<Common>) -> wasmtime::Result<Http03> {
        let instances = &common.settings.instances;
        let service = ServicePre::new(linked)?;
        let lot = Lot::new(common);
        let several = instances.are_reused() && instances.concurrent_max > 1;
        let crew = several.then(|| Crew::new(service.clone(), lot.clone(), common.clone()));
        Ok(Http03 { service, lot, crew })
    }

    pub(crate) fn forget(&self) {
        self.lot.forget();
    }

    pub(crate) fn mould(&self) -> &ServicePre<State> {
        &self.service
    }

    pub(crate) fn shares_instances(&self) -> bool {
        self.crew.is_some()
    }

    pub(crate) async fn call(&self, request: GuestRequest, visit: Visit) -> Result<Response<GuestBody>, Fault> {
        let incoming = message::incoming(request)?;
        if let Some(crew) = &self.crew {
            return crew.call(incoming, visit).await;
        }
        let start = Start::new(self.lot.take(), self.service.engine(), &visit.common, &visit.tag);
        let (sender, head) = oneshot::channel();
        let (service, lot) = (self.service.clone(), self.lot.clone());
        let guest = Box::pin(async move {
            let mut instance = start.instance(&service).await?;
            let door = &instance.door;
            let ran =
                instance.store.run_concurrent(async |accessor| serve(accessor, door, incoming, sender).await).await;
            ran.flatten().map_err(|error| instance.fault(&error))?;
            Ok(lot.keep(instance))
        });
        message::respond(guest, head, visit).await
    }
}

impl Mould for ServicePre<State> {
    type Door = Service;

    fn linked(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn make(&self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<Service>> + Send {
        self.instantiate_async(store)
    }
}

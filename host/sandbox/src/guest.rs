//! A guest that is ready to be called: compiled, linked, and given its limits and grants.

use std::sync::Arc;

use http::Response;
use tokio_util::task::TaskTracker;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::clock::Clock;
use crate::fault::Fault;
use crate::inspect::Lane;
use crate::lane::gateway;
use crate::lane::gateway::Gateway;
use crate::lane::http02::Http02;
use crate::request::GuestRequest;
use crate::request::Received;
use crate::response::GuestBody;
use crate::store;
use crate::store::Common;
use crate::store::State;
use crate::visit::Stay;
use crate::visit::Visit;

/// A guest, one step before an instance. Every call makes an instance of its own and drops it.
pub struct Guest {
    lane: Prepared,
    common: Arc<Common>,
    clock: Arc<Clock>,
    tasks: TaskTracker,
}

/// A guest's door, ready to be instantiated.
enum Prepared {
    Gateway(Gateway),
    Http02(Http02),
}

impl Guest {
    pub(crate) fn new(
        lane: Lane,
        linked: InstancePre<State>,
        common: Common,
        clock: Arc<Clock>,
        tasks: TaskTracker,
    ) -> wasmtime::Result<Guest> {
        let lane = match lane {
            Lane::Gateway => Prepared::Gateway(Gateway::new(linked)?),
            Lane::Http03 => return Err(wasmtime::format_err!("the 0.3 lane is not open yet")),
            Lane::Http02 => Prepared::Http02(Http02::new(linked)?),
        };
        Ok(Guest { lane, common: Arc::new(common), clock, tasks })
    }

    /// Makes an instance and drops it again; asks a gateway guest that exports `lifecycle` for its health.
    /// A new revision that fails here is not published.
    pub async fn probe(&self) -> Result<(), Fault> {
        let store = self.store("probe");
        let visit = self.visit(Box::new(()));
        match &self.lane {
            Prepared::Gateway(gateway) => gateway.probe(store, visit).await,
            Prepared::Http02(http) => http.probe(store, visit).await,
        }
    }

    /// Takes in what a request must have before its guest is called: in the gateway lane its whole body. A visitor who
    /// sends slowly so holds no permit and no instance.
    pub async fn receive(&self, request: GuestRequest) -> Result<Received, Fault> {
        match &self.lane {
            Prepared::Gateway(_) => gateway::receive(request, &self.common.memory_total).await,
            Prepared::Http02(_) => Ok(Received { request, body: None }),
        }
    }

    /// Calls the guest with one request, in an instance of its own. `stay` lives as long as the instance.
    ///
    /// Dropping the future, or the response's body, ends the guest. Cancelling is safe at any point.
    pub async fn call(&self, received: Received, stay: Stay) -> Result<Response<GuestBody>, Fault> {
        let store = self.store(&received.request.id);
        let visit = self.visit(stay);
        match &self.lane {
            Prepared::Gateway(gateway) => gateway.call(store, received, visit).await,
            Prepared::Http02(http) => http.call(store, received.request, visit).await,
        }
    }

    fn store(&self, request_id: &str) -> Store<State> {
        store::new(self.engine(), &self.common, request_id)
    }

    fn engine(&self) -> &wasmtime::Engine {
        match &self.lane {
            Prepared::Gateway(gateway) => gateway.engine(),
            Prepared::Http02(http) => http.engine(),
        }
    }

    fn visit(&self, stay: Stay) -> Visit {
        Visit {
            limits: self.common.settings.limits.clone(),
            tasks: self.tasks.clone(),
            held: (self.clock.ticking(), stay),
        }
    }
}

//! An instance with its store, from its first request to its last.

use std::sync::Arc;

use tokio::time::Instant;
use wasmtime::Engine;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::bounds::log_context::LogContext;
use crate::fault::Fault;
use crate::instances::store;
use crate::instances::store::Common;
use crate::instances::store::State;

/// What a lane makes instances of.
pub(crate) trait InstanceFactory: Send + Sync + 'static {
    /// The exports through which an instance is called.
    type Exports: Send + 'static;

    fn linked(&self) -> &InstancePre<State>;

    fn make(&self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<Self::Exports>> + Send;

    fn engine(&self) -> &Engine {
        self.linked().engine()
    }
}

/// An instance, ready for a request.
pub(crate) struct Instance<D> {
    pub(crate) store: Store<State>,
    pub(crate) exports: D,
    /// Requests that it has been given.
    pub(crate) served: u32,
    /// When it was made.
    pub(crate) made: Instant,
    /// Its linear memory when it was made.
    bytes_at_first: u64,
}

impl<D> Instance<D> {
    /// By how much its memory has grown since it was made, in bytes.
    pub(crate) fn growth(&self) -> u64 {
        self.store.data().memory.bytes().saturating_sub(self.bytes_at_first)
    }

    /// Reads what wasmtime says of a call of this instance that failed.
    pub(crate) fn fault(&self, error: &wasmtime::Error) -> Fault {
        Fault::from_wasmtime(error, self.store.data().memory.refused_by)
    }
}

/// Where an instance comes from: made for this request, or kept from one before.
pub(crate) enum InstanceSource<D> {
    /// A store, in which the guest has not run yet.
    Fresh(Box<Store<State>>),
    /// An instance that has answered before.
    Kept(Box<Instance<D>>),
}

impl<D> InstanceSource<D> {
    /// Makes everything ready but the instance itself, which is the guest's own time.
    pub(crate) fn new(
        kept: Option<Box<Instance<D>>>,
        engine: &Engine,
        common: &Arc<Common>,
        log_context: &LogContext,
    ) -> InstanceSource<D> {
        match kept {
            None => InstanceSource::Fresh(Box::new(store::new(engine, common, log_context))),
            Some(mut instance) => {
                store::renew(&mut instance.store, log_context);
                InstanceSource::Kept(instance)
            }
        }
    }

    pub(crate) fn store(&mut self) -> &mut Store<State> {
        match self {
            InstanceSource::Fresh(store) => store,
            InstanceSource::Kept(instance) => &mut instance.store,
        }
    }

    /// The instance, made now if there is none.
    pub(crate) async fn instance<M: InstanceFactory<Exports = D>>(
        self,
        factory: &M,
    ) -> Result<Box<Instance<D>>, Fault> {
        let mut instance = match self {
            InstanceSource::Kept(instance) => instance,
            InstanceSource::Fresh(mut store) => {
                let made = Instant::now();
                store::open(&mut store).await?;
                match factory.make(&mut store).await {
                    Ok(exports) => {
                        let bytes_at_first = store.data().memory.bytes();
                        Box::new(Instance { store: *store, exports, served: 0, made, bytes_at_first })
                    }
                    Err(error) => return Err(Fault::from_wasmtime(&error, store.data().memory.refused_by)),
                }
            }
        };
        instance.served = instance.served.saturating_add(1);
        Ok(instance)
    }
}

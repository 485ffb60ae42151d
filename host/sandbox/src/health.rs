//! What a guest says about itself before it serves: `guesthouse:gateway/lifecycle`, whatever its lane.

use wasmtime::Store;
use wasmtime::component::ComponentExportIndex;
use wasmtime::component::InstancePre;

use crate::bounds::deadline::Work;
use crate::fault::Fault;
use crate::instances::store;
use crate::instances::store::State;

/// The interface, of `wit/gateway.wit`.
const LIFECYCLE: &str = "guesthouse:gateway/lifecycle@0.1.0";

/// The export of a guest that says whether it is well.
pub(crate) struct Health {
    linked: InstancePre<State>,
    export: ComponentExportIndex,
}

impl Health {
    /// That of `linked`, if it has one.
    pub(crate) fn of(linked: &InstancePre<State>) -> Option<Health> {
        let component = linked.component();
        let lifecycle = component.get_export_index(None, LIFECYCLE)?;
        let export = component.get_export_index(Some(&lifecycle), "health")?;
        Some(Health { linked: linked.clone(), export })
    }

    /// Asks a new instance, in `store`. Of what it says against itself, `said_bytes_max` are kept.
    pub(crate) fn ask(&self, mut store: Store<State>, said_bytes_max: usize) -> Work<()> {
        let (linked, export) = (self.linked.clone(), self.export);
        Box::pin(async move {
            store::open(&mut store).await?;
            let asked = async {
                let instance = linked.instantiate_async(&mut store).await?;
                let health = instance.get_typed_func::<(), (Result<(), String>,)>(&mut store, &export)?;
                health.call_async(&mut store, ()).await
            };
            let (asked,) = asked.await.map_err(|error| Fault::from_wasmtime(&error, store.data().memory.refused_by))?;
            asked.map_err(|said| Fault::said_at_length(&said, said_bytes_max))
        })
    }

    /// Where its engine is to be had.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        self.linked.engine()
    }
}

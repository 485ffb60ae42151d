//! A command of the app's own (`manage.py migrate`), run once in a new instance by `wasi:cli/run`, with what a request would
//! find: the app's environment, folders and memory bounds. Its standard streams are the caller's instead of the log's.

use wasmtime::Store;
use wasmtime::component::ComponentExportIndex;
use wasmtime::component::InstancePre;
use wasmtime_wasi::I32Exit;

use crate::bounds::deadline::Work;
use crate::fault::Fault;
use crate::instances::store;
use crate::instances::store::State;

/// The interface, of WASI 0.2; an engine finds any version that is compatible with it.
const RUN: &str = "wasi:cli/run@0.2.0";

/// Why a command did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The component has no way to run one.
    #[error("its component runs no commands: it does not export `wasi:cli/run@0.2`")]
    NoCommands,
    /// The guest failed while it ran.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The export of a guest that runs commands.
pub(crate) struct Runner {
    linked: InstancePre<State>,
    export: ComponentExportIndex,
}

impl Runner {
    /// That of `linked`, if it has one.
    pub(crate) fn of(linked: &InstancePre<State>) -> Option<Runner> {
        let component = linked.component();
        let interface = component.get_export_index(None, RUN)?;
        let export = component.get_export_index(Some(&interface), "run")?;
        Some(Runner { linked: linked.clone(), export })
    }

    /// Runs to the end in `store`, which has its console already, and says the exit code.
    pub(crate) fn run(&self, mut store: Store<State>) -> Work<u8> {
        let (linked, export) = (self.linked.clone(), self.export);
        Box::pin(async move {
            store::open(&mut store).await?;
            let running = async {
                let instance = linked.instantiate_async(&mut store).await?;
                let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut store, &export)?;
                run.call_async(&mut store, ()).await
            };
            match running.await {
                Ok((Ok(()),)) => Ok(0),
                Ok((Err(()),)) => Ok(1),
                Err(error) => match error.downcast_ref::<I32Exit>() {
                    Some(exit) => Ok(u8::try_from(exit.0).unwrap_or(1)),
                    None => Err(Fault::from_wasmtime(&error, store.data().memory.refused_by)),
                },
            }
        })
    }

    /// Where its engine is to be had.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        self.linked.engine()
    }
}

//! The engines: one per class of component.

pub(crate) mod advice;
pub mod compile;
pub mod functions;
pub(crate) mod pool;
pub(crate) mod precompiled;
pub mod target;

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;

use guesthouse_component::inspect::Class;
use guesthouse_component::inspect::Inspection;
use tokio_util::task::TaskTracker;
use wasmtime::Engine;
use wasmtime::InstanceAllocationStrategy;
use wasmtime::component::Component;
use wasmtime::component::Linker;

use crate::bounds::clock::Clock;
use crate::bounds::idle::IdleRegistry;
use crate::bounds::memory::Account;
use crate::bounds::memory::MemoryTotal;
use crate::bounds::output::GuestLog;
use crate::capability;
use crate::capability::CapabilityHostSettings;
use crate::capability::Shared;
use crate::engine::advice::link_advice;
use crate::engine::pool::misfit;
use crate::engine::pool::pool;
use crate::engine::target::Target;
use crate::guest::Guest;
use crate::instances::store::Common;
use crate::instances::store::State;
use crate::settings::GuestSettings;

/// What the whole host may spend on guests.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Linear memory of all instances and bodies buffered for them together, in bytes.
    pub memory_total_bytes_max: u64,
    /// The largest linear memory that any one app may be given, in bytes.
    pub memory_bytes_max: u64,
    /// Instances that may live at once, over all apps.
    pub instances_max: u32,
    /// What holds for a capability, whichever guests have it.
    pub capabilities: CapabilityHostSettings,
}

/// Engines, pools and the clock: made once, shared by all guests.
pub struct Sandbox {
    plain: EngineSlot,
    /// Made when the first component that speaks WASI 0.3 comes.
    concurrent: OnceLock<Result<EngineSlot, SandboxError>>,
    /// Made when the first large component comes.
    large: OnceLock<Result<EngineSlot, SandboxError>>,
    large_concurrent: OnceLock<Result<EngineSlot, SandboxError>>,
    settings: SandboxSettings,
    memory_total: Arc<MemoryTotal>,
    idle: Arc<IdleRegistry>,
    shared: Shared,
    clock: Arc<Clock>,
    tasks: TaskTracker,
}

/// An engine with its linker.
struct EngineSlot {
    target: Target,
    /// Whether its instances live in the slots of a pool.
    is_pooled: bool,
    engine: Engine,
    linker: Linker<State>,
}

/// Why the sandbox could not be set up.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot set up the sandbox: {0}")]
pub struct SandboxError(pub String);

/// Why an artefact could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The artefact is damaged, or was made by another version: compile it again.
    #[error("the compiled artefact is not usable: {0}")]
    Artefact(String),
    /// The component imports what this host does not offer.
    #[error("{0}")]
    Link(String),
    /// The component needs more than the engine or the app's limits give.
    #[error("{0}")]
    Resources(String),
    /// What it is to be granted is not there, or cannot be used.
    #[error("{0}")]
    Grant(String),
    /// The engine could not be set up.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl Sandbox {
    /// Makes the engines. `tasks` tracks what a guest still does after its response is complete.
    pub fn new(settings: SandboxSettings, tasks: TaskTracker) -> Result<Sandbox, SandboxError> {
        let clock = Arc::new(Clock::start());
        let plain = EngineSlot::that_fits(Class::Plain, &settings)?;
        clock.interrupt(&plain.engine);
        let idle = IdleRegistry::new(settings.instances_max as usize);
        let memory_total = Arc::new(MemoryTotal::new(settings.memory_total_bytes_max, &idle));
        Ok(Sandbox {
            plain,
            concurrent: OnceLock::new(),
            large: OnceLock::new(),
            large_concurrent: OnceLock::new(),
            memory_total,
            shared: Shared::new(&settings.capabilities),
            settings,
            idle,
            clock,
            tasks,
        })
    }

    /// Gives up instances that have waited for a request for too long. Runs until it is dropped.
    pub async fn tend(&self) {
        self.idle.tend().await;
    }

    /// For which engine a component of `class` must be compiled.
    pub fn target(&self, class: Class) -> Result<Target, SandboxError> {
        Ok(self.slot(class)?.target)
    }

    /// A word that changes whenever artefacts of `class` made earlier stop being usable (wasmtime's version, its
    /// settings, the CPU): part of the compiled cache's key. Hexadecimal digits only.
    pub fn compatibility(&self, class: Class) -> Result<String, SandboxError> {
        let mut hasher = DefaultHasher::new();
        self.slot(class)?.engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(format!("{:016x}", hasher.finish()))
    }

    /// Loads the artefact at `path` and links it.
    ///
    /// The file must lie in the host's private cache and must not be changed afterwards: it is mapped, and it is machine
    /// code that is trusted. It may be unlinked.
    pub fn prepare(
        &self,
        path: &Path,
        inspection: &Inspection,
        mut settings: GuestSettings,
    ) -> Result<Guest, PrepareError> {
        // No instance gets more than a slot of the pool holds, whatever the policy says.
        settings.limits.memory_bytes_max = settings.limits.memory_bytes_max.min(self.settings.memory_bytes_max);
        let limit = settings.limits.memory_bytes_max;
        if inspection.memory_bytes_min > limit {
            let needed = inspection.memory_bytes_min;
            return Err(PrepareError::Resources(format!(
                "it needs {needed} bytes of memory to start, and its limit is {limit}: raise `memory` under `[limits]` in its manifest"
            )));
        }
        let (slot, component) = self.load(inspection.class, path)?;
        let unfit = |error: wasmtime::Error| PrepareError::Link(link_advice(&error, &inspection.imports));
        let linked = slot.linker.instantiate_pre(&component).map_err(unfit)?;
        let log = GuestLog::new(&settings.app, &settings.revision, settings.log_lines_per_second_max);
        let account = Arc::new(Account::new(&self.memory_total, limit));
        let grants = self.shared.grant(&settings.capabilities).map_err(PrepareError::Grant)?;
        let (settings, log) = (Arc::new(settings), Arc::new(log));
        let (idle, tasks) = (self.idle.clone(), self.tasks.clone());
        let common = Common { settings, grants, log, account, idle, tasks, console: None };
        Guest::new(inspection.lane, linked, common, self.clock.clone()).map_err(unfit)
    }

    /// Loads an artefact, if there is a place for it.
    fn load(&self, class: Class, path: &Path) -> Result<(&EngineSlot, Component), PrepareError> {
        let slot = self.slot(class)?;
        let component =
            precompiled::load(&slot.engine, path).map_err(|error| PrepareError::Artefact(format!("{error:#}")))?;
        let misfit = slot.is_pooled.then(|| misfit(&component, self.settings.memory_bytes_max)).flatten();
        misfit.map_or(Ok((slot, component)), |why| Err(PrepareError::Resources(why)))
    }

    fn slot(&self, class: Class) -> Result<&EngineSlot, SandboxError> {
        let cell = match class {
            Class::Plain => return Ok(&self.plain),
            Class::Concurrent => &self.concurrent,
            Class::Large => &self.large,
            Class::LargeConcurrent => &self.large_concurrent,
        };
        let made = cell.get_or_init(|| {
            let made = match self.plain.target.roomy {
                true => EngineSlot::that_fits(class, &self.settings)?,
                false => EngineSlot::new(Target { class, roomy: false }, &self.settings)?,
            };
            self.clock.interrupt(&made.engine);
            Ok(made)
        });
        made.as_ref().map_err(SandboxError::clone)
    }
}

impl EngineSlot {
    /// With as much address space as it likes, or with less where there is not so much.
    fn that_fits(class: Class, settings: &SandboxSettings) -> Result<EngineSlot, SandboxError> {
        EngineSlot::new(Target { class, roomy: true }, settings).or_else(|error| {
            tracing::warn!(
                target: "guesthouse::sandbox",
                "there is not enough address space for the {class:?} engine's instances (`ulimit -v`?), so that each of \
                 them reserves its own: they are slower to make ({error})"
            );
            EngineSlot::new(Target { class, roomy: false }, settings)
        })
    }

    fn new(target: Target, settings: &SandboxSettings) -> Result<EngineSlot, SandboxError> {
        let Target { class, roomy } = target;
        let mut config = target.config();
        let is_pooled = roomy && !class.is_large();
        if is_pooled {
            let pool = pool(settings.instances_max, settings.memory_bytes_max);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        let made = Engine::new(&config).and_then(|engine| {
            let mut linker = Linker::new(&engine);
            capability::link(&mut linker, class)?;
            Ok(EngineSlot { target, is_pooled, engine, linker })
        });
        made.map_err(|error| SandboxError(format!("{error:#}")))
    }
}

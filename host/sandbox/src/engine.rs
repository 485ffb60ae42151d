//! The engines: one per class of component, with the clock that interrupts their guests.

use std::path::Path;

use tokio_util::task::TaskTracker;

use crate::compile::Target;
use crate::guest::Guest;
use crate::guest::GuestSettings;
use crate::inspect::Class;
use crate::inspect::Inspection;

/// What the whole host may spend on guests.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Linear memory of all instances together, in bytes.
    pub memory_total_bytes_max: u64,
    /// The largest linear memory that any one app may be given, in bytes.
    pub memory_bytes_max: u64,
    /// Instances that may live at once, over all apps.
    pub instances_max: u32,
}

/// Engines, pools and the epoch clock: made once, shared by all guests.
pub struct Sandbox {}

/// Why the sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
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
}

impl Sandbox {
    /// Makes the engines. `tasks` tracks what a guest still does after its response is complete.
    pub fn new(_settings: SandboxSettings, _tasks: TaskTracker) -> Result<Sandbox, SandboxError> {
        todo!()
    }

    /// For which engine a component of `class` must be compiled.
    pub fn target(&self, _class: Class) -> Target {
        todo!()
    }

    /// A word that changes whenever artefacts of `class` made earlier stop being usable (wasmtime's version, its
    /// settings, the CPU): part of the compiled cache's key. Hexadecimal digits only.
    pub fn compatibility(&self, _class: Class) -> String {
        todo!()
    }

    /// Loads the artefact at `path` and links it.
    ///
    /// The file must lie in the host's private cache and must not be changed afterwards: it is mapped, and it is machine
    /// code that is trusted. It may be unlinked.
    pub fn prepare(
        &self,
        _path: &Path,
        _inspection: &Inspection,
        _settings: GuestSettings,
    ) -> Result<Guest, PrepareError> {
        todo!()
    }
}

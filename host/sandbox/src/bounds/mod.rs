//! What a guest may use, and how it is counted: time, memory, output.

pub(crate) mod clock;
pub(crate) mod compute;
pub(crate) mod deadline;
pub(crate) mod host_memory;
pub(crate) mod idle;
pub(crate) mod log_context;
pub(crate) mod memory;
pub mod output;
pub(crate) mod record;

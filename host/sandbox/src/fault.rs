//! How a guest can fail, as values that the host answers and logs differently.

use std::time::Duration;

use wasmtime::PoolConcurrencyLimitError;
use wasmtime::Trap;
use wasmtime::WasmBacktrace;
use wasmtime_wasi::I32Exit;

use crate::limits::Bound;
use crate::limits::Memory;

/// A guest failed: it trapped, missed a deadline, ran out of memory, or answered nothing or nonsense.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The guest trapped (a panic, an illegal access, an exit).
    #[error("the guest trapped: {message}")]
    Trap {
        /// The trap in one line.
        message: String,
        /// The wasm backtrace, innermost frame first, one frame a line; empty when there is none.
        backtrace: String,
    },
    /// The guest trapped after it had been refused memory.
    #[error("the guest ran out of memory (limit {bytes_max} bytes{}): {message}", if *.host_is_full { ", the host's total is used up" } else { "" })]
    Memory {
        /// The instance's limit, in bytes.
        bytes_max: u64,
        /// Whether the host's total was the bound that was hit, rather than the instance's own.
        host_is_full: bool,
        /// The trap in one line.
        message: String,
        /// The wasm backtrace, as in `Trap`.
        backtrace: String,
    },
    /// The guest used up its CPU time.
    #[error("the guest used more than its {0:?} of CPU time")]
    Cpu(Duration),
    /// The guest had no response head in time.
    #[error("the guest had not begun its response after {0:?}")]
    Head(Duration),
    /// The guest let too much time pass between two pieces of its response's body.
    #[error("the guest's response stood still for {0:?}")]
    BodyIdle(Duration),
    /// The guest returned without a response.
    #[error("the guest returned without a response")]
    NoResponse,
    /// The guest's response cannot be sent as HTTP.
    #[error("the guest's response is not valid: {0}")]
    BadResponse(String),
    /// The guest itself reported an error instead of a response.
    #[error("the guest reported an error: {0}")]
    Guest(String),
    /// The instance was shared with other requests, and ended for a reason that may be another's.
    #[error("the instance that it shared with other requests ended: {0}")]
    Shared(String),
    /// The request's body ended in an error, and the guest could not answer without it.
    #[error("the request's body: {0}")]
    RequestBody(#[from] crate::request::BodyError),
    /// The host has no room for another instance at this moment.
    #[error("the host has no room for another instance: {0}")]
    Full(String),
    /// The revision was retired and its drain deadline has passed.
    #[error("the revision was retired and its time to finish is over")]
    Retired,
}

impl Fault {
    /// The wasm backtrace, if the guest left one.
    pub fn backtrace(&self) -> Option<&str> {
        match self {
            Fault::Trap { backtrace, .. } | Fault::Memory { backtrace, .. } if !backtrace.is_empty() => Some(backtrace),
            _ => None,
        }
    }
}

impl Fault {
    /// Reads what wasmtime says of a call that failed. `memory` knows whether the guest had been refused any.
    pub(crate) fn from_wasmtime(error: &wasmtime::Error, memory: &Memory) -> Fault {
        if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
            return Fault::Full(full.to_string());
        }
        // wasmtime has no type for it. The bound is the response's, and a little more (`store.rs`).
        if format!("{error:#}").contains("fuel allocated for hostcalls has been exhausted") {
            return Fault::BadResponse("it is larger than the limit for what one call may hand over".to_owned());
        }
        let message = match (error.downcast_ref::<I32Exit>(), error.downcast_ref::<Trap>()) {
            (Some(exit), _) => format!("it called exit({})", exit.0),
            (None, Some(trap)) => trap.to_string(),
            (None, None) => error.root_cause().to_string(),
        };
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
        match memory.refused_by {
            None => Fault::Trap { message, backtrace },
            Some(bound) => {
                let host_is_full = bound == Bound::Host;
                Fault::Memory { bytes_max: memory.bytes_max, host_is_full, message, backtrace }
            }
        }
    }
}

/// A backtrace, one frame a line, innermost first: function, and where in the source if the guest carries that.
fn frames(backtrace: &WasmBacktrace) -> String {
    let mut text = String::new();
    for frame in backtrace.frames() {
        let name = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), str::to_owned);
        text.push_str(&name);
        let place = frame.symbols().iter().find_map(|symbol| Some((symbol.file()?, symbol.line()?)));
        if let Some((file, line)) = place {
            text.push_str(&format!(" at {file}:{line}"));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

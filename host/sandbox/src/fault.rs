//! How a guest can fail, as values that the host answers and logs differently.

use std::time::Duration;

use wasmtime::PoolConcurrencyLimitError;
use wasmtime::Trap;
use wasmtime::WasmBacktrace;
use wasmtime_wasi::I32Exit;

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
    #[error("the guest ran out of memory (limit {bytes_max} bytes): {message}")]
    Memory {
        /// The instance's limit, in bytes.
        bytes_max: u64,
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
    /// The same, and it has begun a body (0.2): whoever writes one that is not a response's yet waits for ever.
    #[error(
        "the guest had not begun its response after {0:?}: it has begun a body, and not called `response-outparam.set`, \
         without which nobody reads what it writes"
    )]
    Unset(Duration),
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
    /// The host has no room for another instance, or for what one asks for, at this moment.
    #[error("the host has no room: {0}")]
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
    /// An error that the guest returned, in its own words.
    pub(crate) fn said(text: &str) -> Fault {
        Fault::said_at_length(text, TEXT_BYTES_MAX)
    }

    /// The same, of which `bytes_max` are kept.
    pub(crate) fn said_at_length(text: &str, bytes_max: usize) -> Fault {
        Fault::Guest(short(text, bytes_max))
    }

    /// A response that HTTP cannot say, and why.
    pub(crate) fn bad_response(text: &str) -> Fault {
        Fault::BadResponse(short(text, TEXT_BYTES_MAX))
    }

    /// Reads what wasmtime says of a call that failed. `memory` knows whether the guest had been refused any.
    pub(crate) fn from_wasmtime(error: &wasmtime::Error, refused: Option<MemoryRefusal>) -> Fault {
        if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
            return Fault::Full(full.to_string());
        }
        // The whole error would be written with its backtrace, for which wasmtime makes the names of functions readable: a
        // name may be a bomb to whoever does that.
        let cause = error.root_cause().to_string();
        // wasmtime has no type for it. The bound is the response's, and a little more (`store.rs`).
        if cause.contains("fuel allocated for hostcalls has been exhausted") {
            return Fault::BadResponse("it is larger than the limit for what one call may hand over".to_owned());
        }
        let message = match (error.downcast_ref::<I32Exit>(), error.downcast_ref::<Trap>()) {
            (Some(exit), _) => format!("it called exit({})", exit.0),
            (None, Some(trap)) => trap.to_string(),
            (None, None) => short(&cause, TEXT_BYTES_MAX),
        };
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
        match refused {
            None => Fault::Trap { message, backtrace },
            Some(MemoryRefusal::Instance { bytes_max }) => Fault::Memory { bytes_max, message, backtrace },
            // Another moment, or a larger host, and it would have answered.
            Some(MemoryRefusal::Host) => Fault::Full(format!("{MEMORY_IS_USED_UP} ({message})")),
        }
    }
}

/// Which bound refused a guest memory last: a trap after that is a lack of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryRefusal {
    /// The instance's own.
    Instance {
        /// The instance's limit, in bytes.
        bytes_max: u64,
    },
    /// The guest's share of the host's memory, or the host's.
    Host,
}

/// Why a guest is refused memory that its own limit allows.
pub(crate) const MEMORY_IS_USED_UP: &str = "the memory of all guests, or this guest's half of it, is used up";

/// What a guest says of itself, or is called in it, is shown in the log and in the status: as much as somebody reads.
pub(crate) const TEXT_BYTES_MAX: usize = 2 << 10;

/// Of one function's name or file in a backtrace.
const NAME_BYTES_MAX: usize = 256;

/// A guest's own words, cut where they are longer than anybody reads.
fn short(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(bytes_max)];
    format!("{kept}… ({} more bytes)", text.len() - kept.len())
}

/// A backtrace, one frame a line, innermost first: function, and where in the source if the guest carries that.
fn frames(backtrace: &WasmBacktrace) -> String {
    let mut text = String::new();
    for frame in backtrace.frames() {
        let name = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), str::to_owned);
        text.push_str(&short(&name, NAME_BYTES_MAX));
        let place = frame.symbols().iter().find_map(|symbol| Some((symbol.file()?, symbol.line()?)));
        if let Some((file, line)) = place {
            text.push_str(&format!(" at {}:{line}", short(file, NAME_BYTES_MAX)));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

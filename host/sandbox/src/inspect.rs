//! What is in these bytes? Answered by parsing alone, before anything is compiled.

use std::fmt;

/// The interface through which a component is called, found from its exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// `guesthouse:gateway/handler@0.1`.
    Gateway,
    /// `wasi:http/incoming-handler@0.2`.
    Http02,
}

/// The kind of engine that a component needs. Nothing made by one engine is ever handed to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Small components in a pool of reusable slots.
    Plain,
    /// Interpreters and the like, whose memory does not fit the pool's tuning: instances on demand.
    Large,
}

/// What a component is, as far as its bytes say.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// How it is called.
    pub lane: Lane,
    /// Which engine it needs.
    pub class: Class,
    /// The instances and functions that it imports, as `package:name/interface@version`.
    pub imports: Vec<String>,
    /// Those that it exports.
    pub exports: Vec<String>,
    /// The linear memory that it needs to start, all memories together, in bytes.
    pub memory_bytes_min: u64,
}

/// Why some bytes cannot be an app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// The bytes end inside a section: an upload that is still going on, most likely.
    #[error("the file ends after {bytes} bytes, in the middle of a section: the upload is not complete")]
    Truncated {
        /// How many bytes there are.
        bytes: usize,
    },
    /// Not WebAssembly at all.
    #[error("not WebAssembly: {0}")]
    NotWasm(String),
    /// A core module where a component is needed.
    #[error("a core module, not a component{0}")]
    CoreModule(String),
    /// A component that has no export which this host calls.
    #[error("{0}")]
    NoLane(String),
    /// WebAssembly that breaks its own rules.
    #[error("not a valid component: {0}")]
    Invalid(String),
}

/// Reads a component's outline. Never panics, whatever the bytes.
pub fn inspect(_bytes: &[u8]) -> Result<Inspection, InspectError> {
    todo!()
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Lane::Gateway => "guesthouse:gateway 0.1",
            Lane::Http02 => "wasi:http 0.2",
        })
    }
}

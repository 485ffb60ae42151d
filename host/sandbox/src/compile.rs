//! From a component's bytes to machine code. It is attacker-controlled work and cannot be cancelled: the host runs it in
//! a child process.

use std::fmt;
use std::str::FromStr;

use wasmtime::Engine;

use crate::engine;
use crate::inspect::Class;

/// For which engine an artefact is made. Travels to the compile child as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The class of engine.
    pub class: Class,
    /// Whether the host could reserve address space generously; without it bounds are checked in code.
    pub roomy: bool,
}

/// Compiles `bytes`, which must be a binary component, for `target`. The result is what
/// [`Sandbox::prepare`](crate::engine::Sandbox::prepare) loads.
///
/// The error is one line for the author of the component.
pub fn compile(bytes: &[u8], target: Target) -> Result<Vec<u8>, String> {
    let engine = Engine::new(&engine::config(target)).map_err(|error| format!("{error:#}"))?;
    // `precompile_component` would take the text format as well, were it compiled in: it is not (`wat` is off).
    engine.precompile_component(bytes).map_err(|error| format!("not a valid component: {error:#}"))
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Class::Plain => "plain",
            Class::Large => "large",
        };
        write!(formatter, "{class}{}", if self.roomy { "" } else { "-tight" })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(word: &str) -> Result<Target, String> {
        let (class, roomy) = match word.strip_suffix("-tight") {
            Some(class) => (class, false),
            None => (word, true),
        };
        let class = match class {
            "plain" => Class::Plain,
            "large" => Class::Large,
            _ => return Err(format!("`{word}` is not an engine: plain, large, plain-tight, large-tight")),
        };
        Ok(Target { class, roomy })
    }
}

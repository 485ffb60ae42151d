//! From a component's bytes to machine code. It is attacker-controlled work and cannot be cancelled: the host runs it in
//! a child process.

use wasmtime::Engine;

use crate::target::Target;

/// Compiles `bytes`, which must be a binary component, for `target`. The result is what
/// [`Sandbox::prepare`](crate::engine::Sandbox::prepare) loads.
///
/// The error is one line for the author of the component.
pub fn compile(bytes: &[u8], target: Target) -> Result<Vec<u8>, String> {
    let engine = Engine::new(&target.config()).map_err(|error| format!("{error:#}"))?;
    // `precompile_component` would take the text format as well, were it compiled in: it is not (`wat` is off).
    engine.precompile_component(bytes).map_err(|error| format!("not a valid component: {error:#}"))
}

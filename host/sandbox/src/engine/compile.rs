//! From a component's bytes to machine code. It is attacker-controlled work and cannot be cancelled: the host runs it in
//! a child process.

use std::sync::Arc;

use guesthouse_component::runtime::Runtime;
use wasmtime::Engine;

use crate::engine::functions::Functions;
use crate::engine::target::Target;

/// Compiles `bytes`, which must be a binary component, for `target`. The result is what
/// [`Sandbox::prepare`](crate::engine::Sandbox::prepare) loads. What single functions were compiled to before is taken from
/// `functions`, which afterwards hold what was not among them; they are machine code, and must come from whom we trust as
/// ourselves.
///
/// The error is one line for the author of the component.
pub fn compile(bytes: &[u8], target: Target, functions: Option<&Arc<Functions>>) -> Result<Vec<u8>, String> {
    let mut config = target.config();
    if let Some(functions) = functions {
        let kept = config.enable_incremental_compilation(functions.clone());
        kept.map_err(|error| format!("{error:#}"))?;
    }
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    // `precompile_component` would take the text format as well, were it compiled in: it is not (`wat` is off).
    engine.precompile_component(bytes).map_err(|error| format!("not a valid component: {error:#}"))
}

/// Of every twenty functions one has another key in each compilation of the same bytes, though its text is the same
/// (wasmtime 48). A second pass finds half of these as well; what a third one finds does not pay for it.
const PASSES: usize = 2;

/// Compiles the functions of a runtime that we know for all apps that are in it. The result is a
/// [`Pack`](crate::engine::functions::Pack). Bytes that are not a runtime of ours are refused, wherever they come from.
pub fn compile_runtime(bytes: &[u8], target: Target) -> Result<Vec<u8>, String> {
    if !Runtime::is_known(bytes) {
        return Err("not a runtime of ours: what is compiled of it would be nobody's but its app's".to_owned());
    }
    let functions = Arc::new(Functions::default());
    for _ in 0..PASSES {
        compile(bytes, target, Some(&functions))?;
    }
    Ok(functions.pack())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_runtime_that_we_know_is_compiled_for_all() {
        let component = b"\0asm\x0d\0\x01\0";
        let target: Target = "large".parse().unwrap();
        assert!(compile(component, target, None).is_ok());
        assert!(compile_runtime(component, target).unwrap_err().starts_with("not a runtime of ours"));
    }
}

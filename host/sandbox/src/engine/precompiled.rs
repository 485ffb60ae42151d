//! Loading machine code: the one place in the sandbox that is unsafe.

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Maps an artefact that [`compile`](crate::engine::compile::compile) made.
#[expect(unsafe_code, reason = "wasmtime cannot check that a file holds what its own compiler wrote")]
pub(crate) fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize_file` trusts that the file is what wasmtime's compiler wrote and that nobody changes it while
    // it is mapped. Artefacts are written by our own compile child into the host's private cache (a directory of mode
    // 0700, its owner checked, each entry's digest checked when it is opened), entries are only ever linked or renamed
    // into place and unlinked, and nothing from the apps folder comes here. wasmtime itself checks version and settings.
    unsafe { Component::deserialize_file(engine, path) }
}

//! What a guest may be granted: one file for each capability, all with the same life.
//!
//! *Link* once per engine, so that any component starts; *grant* per app (nothing is granted by default); *attach* per
//! instance. Adding a capability touches its file and the list in [`link`].

pub(crate) mod files;
mod files02;
mod files03;
mod metered;
mod metered03;
pub(crate) mod outbound;
pub(crate) mod wasi;

use guesthouse_component::inspect::Class;
use wasmtime::component::Linker;
use wasmtime_wasi_http::WasiHttpView;

use crate::capability::files::Filing;

/// Links everything that this host offers to components of `class`. What is asynchronous needs an engine that can do it.
pub(crate) fn link<T: Filing + WasiHttpView + 'static>(linker: &mut Linker<T>, class: Class) -> wasmtime::Result<()> {
    wasi::link(linker)?;
    files02::link(linker)?;
    outbound::link(linker)?;
    if class.is_concurrent() {
        wasi::link_03(linker)?;
        files03::link(linker)?;
        outbound::link_03(linker)?;
    }
    Ok(())
}

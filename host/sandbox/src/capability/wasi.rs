//! WASI 0.2 and 0.3 without anything behind it: clocks, randomness and the log; no files but what `files` adds, no sockets, no
//! arguments, and only the environment that the operator gives.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiView;

use crate::output::GuestLog;
use crate::output::GuestStream;
use crate::output::StreamName;
use crate::tag::Tag;

/// Bytes of randomness in one call.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

pub(crate) fn link<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

pub(crate) fn link_03<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p3::add_to_linker(linker)
}

/// What the context of one instance is made of.
pub(crate) fn attach(environment: &[(String, String)], log: &Arc<GuestLog>, tag: &Tag) -> WasiCtxBuilder {
    let mut builder = WasiCtx::builder();
    builder
        .envs(environment)
        .stdout(GuestStream::new(log, StreamName::Stdout, tag))
        .stderr(GuestStream::new(log, StreamName::Stderr, tag))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(RANDOM_BYTES_MAX);
    builder
}

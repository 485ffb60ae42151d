//! WASI 0.2 and 0.3 without anything behind it: clocks, randomness and the log; no files but what `files` adds, no sockets, no
//! arguments, and only the environment that the operator gives.

use guesthouse_component::inspect::Class;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpView;

use crate::bounds::output::GuestStream;
use crate::bounds::output::StreamName;
use crate::capability::contract::Attaching;
use crate::capability::contract::Capability;
use crate::capability::contract::Has;
use crate::capability::contract::Kept;
use crate::capability::contract::Probe;
use crate::capability::offered::IN_02;
use crate::capability::offered::IN_03;
use crate::capability::offered::IN_BOTH;
use crate::capability::offered::Offer;
use crate::capability::offered::Offered;
use crate::capability::offered::offered;

/// Bytes of randomness in one call.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

const ENVIRONMENT: Offer = Offer::Granted("the manifest's variables, no arguments");
const EXIT: Offer = Offer::Empty("an exit is a fault");
const LOG: Offer = Offer::Granted("goes to the log");
const NO_INPUT: Offer = Offer::Empty("is always at its end");
const NO_TERMINAL: Offer = Offer::Empty("there is no terminal");

/// What everybody has.
pub(crate) struct Wasi;

/// What one guest has of it that is its own.
#[derive(Clone, Debug, Default)]
pub struct WasiSettings {
    /// The environment variables that the operator gives the app.
    pub environment: Vec<(String, String)>,
}

impl Capability for Wasi {
    type HostSettings = ();
    type Shared = ();
    type Settings = WasiSettings;
    type Grant = WasiSettings;
    type Attached = ();

    const OFFERS: &'static [Offered] = &[
        offered("wasi:cli", "environment", ENVIRONMENT, IN_BOTH),
        offered("wasi:cli", "exit", EXIT, IN_BOTH),
        offered("wasi:cli", "stderr", LOG, IN_BOTH),
        offered("wasi:cli", "stdin", NO_INPUT, IN_BOTH),
        offered("wasi:cli", "stdout", LOG, IN_BOTH),
        offered("wasi:cli", "terminal-input", NO_TERMINAL, IN_BOTH),
        offered("wasi:cli", "terminal-output", NO_TERMINAL, IN_BOTH),
        offered("wasi:cli", "terminal-stderr", NO_TERMINAL, IN_BOTH),
        offered("wasi:cli", "terminal-stdin", NO_TERMINAL, IN_BOTH),
        offered("wasi:cli", "terminal-stdout", NO_TERMINAL, IN_BOTH),
        offered("wasi:cli", "types", Offer::SHAPES, IN_03),
        offered("wasi:clocks", "monotonic-clock", Offer::PLAIN, IN_BOTH),
        offered("wasi:clocks", "system-clock", Offer::PLAIN, IN_03),
        offered("wasi:clocks", "types", Offer::SHAPES, IN_03),
        offered("wasi:clocks", "wall-clock", Offer::PLAIN, IN_02),
        offered("wasi:io", "error", Offer::PLAIN, IN_02),
        offered("wasi:io", "poll", Offer::PLAIN, IN_02),
        offered("wasi:io", "streams", Offer::PLAIN, IN_02),
        offered("wasi:random", "insecure", Offer::PLAIN, IN_BOTH),
        offered("wasi:random", "insecure-seed", Offer::PLAIN, IN_BOTH),
        offered("wasi:random", "random", Offer::PLAIN, IN_BOTH),
    ];

    fn share(_settings: &()) {}

    fn link<T: Has<Wasi> + WasiView + WasiHttpView>(linker: &mut Linker<T>, class: Class) -> wasmtime::Result<()> {
        wasmtime_wasi::p2::add_to_linker_async(linker)?;
        if class.is_concurrent() { wasmtime_wasi::p3::add_to_linker(linker) } else { Ok(()) }
    }

    fn grant(_shared: &(), settings: &WasiSettings) -> Result<WasiSettings, String> {
        Ok(settings.clone())
    }

    fn kept(_grant: &WasiSettings) -> Option<Kept<'_>> {
        None
    }

    fn for_probe(grant: &WasiSettings, _probe: Probe) -> WasiSettings {
        grant.clone()
    }

    fn configure(grant: &WasiSettings, wasi: &mut WasiCtxBuilder, at: &Attaching<'_>) {
        wasi.envs(&grant.environment)
            .stdout(GuestStream::new(at.log, StreamName::Stdout, at.log_context))
            .stderr(GuestStream::new(at.log, StreamName::Stderr, at.log_context))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(RANDOM_BYTES_MAX);
        if let Some(console) = at.console {
            console.configure(wasi);
        }
    }

    fn attach(_grant: &WasiSettings, _at: &Attaching<'_>) {}
}

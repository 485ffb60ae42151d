//! The way out: HTTP, sockets and name look-ups. They link, so that any component starts; requests are sent where the app
//! was granted that, and no socket is let through.

mod answer;
mod http;
pub mod settings;

use std::sync::Arc;

use guesthouse_component::inspect::Class;
use guesthouse_outbound::client::Client;
use guesthouse_outbound::host::Host;
use guesthouse_outbound::host::HostSettings;
use wasmtime::component::Linker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpView;

use crate::bounds::host_memory::HostMemory;
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
use crate::capability::outbound::http::Http;
use crate::capability::outbound::settings::OutboundSettings;

const REQUESTS: Offer = Offer::Empty("requests go where `[outbound]` asks for, and the operator allows it");
const NO_SOCKETS: Offer = Offer::Empty("every socket is refused");

/// The way out. The interfaces of HTTP that requests come in through are linked with it.
pub(crate) struct Outbound;

impl Capability for Outbound {
    type HostSettings = HostSettings;
    type Shared = Arc<Host>;
    type Settings = Option<OutboundSettings>;
    type Grant = Option<Arc<Client<WasiBody>>>;
    type Attached = Http;

    const OFFERS: &'static [Offered] = &[
        offered("wasi:http", "client", REQUESTS, IN_03),
        offered("wasi:http", "outgoing-handler", REQUESTS, IN_02),
        offered("wasi:http", "types", Offer::PLAIN, IN_BOTH),
        offered("wasi:sockets", "instance-network", NO_SOCKETS, IN_02),
        offered("wasi:sockets", "ip-name-lookup", NO_SOCKETS, IN_BOTH),
        offered("wasi:sockets", "network", NO_SOCKETS, IN_02),
        offered("wasi:sockets", "tcp", NO_SOCKETS, IN_02),
        offered("wasi:sockets", "tcp-create-socket", NO_SOCKETS, IN_02),
        offered("wasi:sockets", "types", NO_SOCKETS, IN_03),
        offered("wasi:sockets", "udp", NO_SOCKETS, IN_02),
        offered("wasi:sockets", "udp-create-socket", NO_SOCKETS, IN_02),
    ];

    fn share(settings: &HostSettings) -> Arc<Host> {
        Arc::new(Host::new(settings))
    }

    /// wasmtime links the sockets with WASI, which lets nothing through.
    fn link<T: Has<Outbound> + WasiView + WasiHttpView>(linker: &mut Linker<T>, class: Class) -> wasmtime::Result<()> {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
        if class.is_concurrent() { wasmtime_wasi_http::p3::add_to_linker(linker) } else { Ok(()) }
    }

    fn grant(host: &Arc<Host>, settings: &Option<OutboundSettings>) -> Result<Option<Arc<Client<WasiBody>>>, String> {
        let Some(OutboundSettings { rules, limits }) = settings else { return Ok(None) };
        Ok(Some(Arc::new(Client::new(host, rules.clone(), limits.clone()))))
    }

    fn kept(_grant: &Option<Arc<Client<WasiBody>>>) -> Option<Kept<'_>> {
        None
    }

    /// Whoever is tried sends nothing.
    fn for_probe(_grant: &Option<Arc<Client<WasiBody>>>, _probe: Probe) -> Option<Arc<Client<WasiBody>>> {
        None
    }

    fn attach(grant: &Option<Arc<Client<WasiBody>>>, at: &Attaching<'_>) -> Http {
        Http::new(grant.clone(), at.log, at.log_context, HostMemory::new(at.concurrent_max))
    }

    fn renew(attached: &mut Http, things: &mut ResourceTable) {
        attached.renew(things);
    }
}

//! The way out: HTTP, TCP sockets, name look-ups and TLS. They link, so that any component starts; requests and connections
//! go where the app was granted that, and nothing is bound or listened on.

mod error_code;
mod grant;
mod http;
mod kept_body;
mod note;
pub mod settings;
mod sockets;
mod sockets_p2;
mod sockets_p3;
mod tls;

use std::sync::Arc;

use guesthouse_component::inspect::Class;
use guesthouse_outbound::host::Host;
use guesthouse_outbound::host::HostSettings;
use wasmtime::component::Linker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_tls::WasiTlsCtx;
use wasmtime_wasi_tls::WasiTlsCtxView;

use crate::capability::contract::Attaching;
use crate::capability::contract::Capability;
use crate::capability::contract::Has;
use crate::capability::contract::Kept;
use crate::capability::contract::Probe;
use crate::capability::contract::View;
use crate::capability::offered::IN_02;
use crate::capability::offered::IN_03;
use crate::capability::offered::IN_BOTH;
use crate::capability::offered::Offer;
use crate::capability::offered::Offered;
use crate::capability::offered::offered;
use crate::capability::outbound::grant::Granted;
use crate::capability::outbound::http::Http;
use crate::capability::outbound::note::Notes;
use crate::capability::outbound::settings::OutboundSettings;
use crate::capability::outbound::sockets::Sockets;
use crate::capability::outbound::sockets::SocketsView;
use crate::capability::outbound::tls::TlsView;

const REQUESTS: Offer = Offer::Empty("requests go where `[outbound]` asks for, and the operator allows it");
const CONNECTIONS: Offer = Offer::Empty("connections go where `[outbound] tcp` asks for, and the operator allows it");
const NO_UDP: Offer = Offer::Empty("every such socket is refused");
const IN_DRAFT: &[&str] = &[tls::VERSION];

/// The way out. The interfaces of HTTP that requests come in through are linked with it.
pub(crate) struct Outbound;

/// What one instance has of it.
pub(crate) struct Attached {
    http: Http,
    granted: Option<Granted>,
    notes: Notes,
    /// Both are made when the guest first asks: most never do.
    sockets: Option<Box<Sockets>>,
    tls: Option<WasiTlsCtx>,
}

impl Capability for Outbound {
    type HostSettings = HostSettings;
    type Shared = Arc<Host>;
    type Settings = Option<OutboundSettings>;
    type Grant = Option<Granted>;
    type Attached = Attached;

    const OFFERS: &'static [Offered] = &[
        offered("wasi:http", "client", REQUESTS, IN_03),
        offered("wasi:http", "outgoing-handler", REQUESTS, IN_02),
        offered("wasi:http", "types", Offer::PLAIN, IN_BOTH),
        offered("wasi:sockets", "instance-network", CONNECTIONS, IN_02),
        offered("wasi:sockets", "ip-name-lookup", CONNECTIONS, IN_BOTH),
        offered("wasi:sockets", "network", CONNECTIONS, IN_02),
        offered("wasi:sockets", "tcp", CONNECTIONS, IN_02),
        offered("wasi:sockets", "tcp-create-socket", CONNECTIONS, IN_02),
        offered("wasi:sockets", "types", CONNECTIONS, IN_03),
        offered("wasi:sockets", "udp", NO_UDP, IN_02),
        offered("wasi:sockets", "udp-create-socket", NO_UDP, IN_02),
        offered("wasi:tls", "types", CONNECTIONS, IN_DRAFT),
    ];

    fn share(settings: &HostSettings) -> Arc<Host> {
        Arc::new(Host::new(settings))
    }

    /// wasmtime links its sockets with WASI: what leads outside is put in place of that.
    fn link<T: Has<Outbound> + WasiView + WasiHttpView>(linker: &mut Linker<T>, class: Class) -> wasmtime::Result<()> {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
        sockets_p2::link(linker)?;
        tls::link(linker)?;
        if !class.is_concurrent() {
            return Ok(());
        }
        wasmtime_wasi_http::p3::add_to_linker(linker)?;
        sockets_p3::link(linker)
    }

    fn grant(host: &Arc<Host>, settings: &Option<OutboundSettings>) -> Result<Option<Granted>, String> {
        Ok(settings.as_ref().map(|settings| Granted::new(host, settings)))
    }

    fn kept(_grant: &Option<Granted>) -> Option<Kept<'_>> {
        None
    }

    /// Whoever is tried sends nothing.
    fn for_probe(_grant: &Option<Granted>, _probe: Probe) -> Option<Granted> {
        None
    }

    fn configure(grant: &Option<Granted>, wasi: &mut WasiCtxBuilder, _at: &Attaching<'_>) {
        if grant.is_some() {
            sockets::allow(wasi);
        }
    }

    fn attach(grant: &Option<Granted>, at: &Attaching<'_>) -> Attached {
        let notes = Notes::new(at.log, at.log_context);
        let client = grant.as_ref().map(|granted| granted.http.clone());
        Attached { http: Http::new(client, notes.clone(), at), granted: grant.clone(), notes, sockets: None, tls: None }
    }

    fn renew(attached: &mut Attached, things: &mut ResourceTable) {
        attached.http.renew(things);
    }
}

impl Attached {
    /// What wasmtime's own functions of HTTP work on, for a guest that holds `things`.
    pub(crate) fn http<'store>(&'store mut self, things: &'store mut ResourceTable) -> WasiHttpCtxView<'store> {
        self.http.view(things)
    }
}

impl<T: Has<Outbound> + WasiView> SocketsView for T {
    fn tcp(&mut self) -> &mut Sockets {
        let Attached { granted, notes, sockets, .. } = self.view().attached;
        sockets.get_or_insert_with(|| {
            Box::new(Sockets::new(granted.as_ref().map(|granted| granted.tcp.clone()), notes.clone()))
        })
    }
}

impl<T: Has<Outbound> + Send> TlsView for T {
    fn tls(&mut self) -> WasiTlsCtxView<'_> {
        let View { attached, things } = self.view();
        let Attached { tls, granted, notes, .. } = attached;
        let ctx =
            tls.get_or_insert_with(|| tls::context(granted.as_ref().map(|granted| granted.tcp.clone()), notes.clone()));
        WasiTlsCtxView { ctx, table: things }
    }
}

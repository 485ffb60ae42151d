//! The request path: from a socket to an app and back.
//!
//! ```text
//! listen ─ connection (accept, proxy_protocol, detect, establish; then hyper) ─ handle ──────────────────────────┐
//!                    │              admit → reserved → look_up → statics → limited body → App::call → respond    │
//!                  track              │         │          │                                            │       │
//!    (activity, timeouts, who      request  (tls, modes)  routes                          response, compress, pages
//!          is here)                                                                                     │
//!                                                                              access_log ───────── tracked body
//! ```
//!
//! Nothing here knows how apps come to be: the route table is all that this crate and `deploy` share. Everything that is
//! spawned runs on one tracker, which [`run`] waits for. `admin` answers on a listener of its own. `dev_pages` is the hook by
//! which `guesthouse dev` shows pages of its own.

pub mod access_log;
pub mod admin;
pub mod dev_pages;
mod handle;
pub mod pages;
#[cfg(test)]
#[path = "../../../tests/harness/random.rs"]
mod random;
#[cfg(test)]
mod request_path_tests;
pub mod settings;
pub mod trusted;

pub mod compress;
mod connection;
pub mod listen;
pub mod request;
pub mod response;
mod track;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_app::routes::RouteReader;
use guesthouse_tls::certificates::Certificates;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::compress::encoder::Encoders;
use crate::connection::accept::AcceptContext;
use crate::connection::accept::accept;
use crate::connection::establish::Protocols;
use crate::listen::listener::Listener;
use crate::listen::listener::ListenerProtocol;
use crate::listen::listener_mode::ListenerKind;
use crate::listen::listener_mode::ListenerMode;
use crate::request::context::ServeContext;
use crate::request::request_id::RequestIds;
use crate::settings::ServeSettings;
use crate::track::open_connections::OpenConnections;
use crate::track::timeouts::CloseOrder;

/// What was cut is gone as soon as its task is polled once more; this is for a guest that holds its thread.
const CUT_TIME: Duration = Duration::from_secs(1);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Connections that had to be cut when the grace was over.
    pub cut: usize,
}

/// Serves on all listeners until `stop`, then drains: no new connection, `connection: close` or GOAWAY on the open ones,
/// the grace, the cut.
///
/// Do not drop it to end it: the connections would stay, with nobody to watch over their time.
pub async fn run(
    listeners: Vec<Listener>,
    settings: ServeSettings,
    certificates: Option<Arc<Certificates>>,
    routes: RouteReader,
    encoders: Encoders,
    stop: CancellationToken,
) -> Ended {
    let tracker = TaskTracker::new();
    let doors = doors(listeners, &settings, certificates.as_ref());
    let grace = settings.grace;
    let connections = Arc::new(OpenConnections::new(&settings));
    let ids = RequestIds::new();
    let context = Arc::new(AcceptContext {
        protocols: Protocols::new(&settings, tracker.clone()),
        shared: Arc::new(ServeContext {
            settings,
            routes,
            ids,
            encoders,
            certificates,
            tracker: tracker.clone(),
            stop: stop.clone(),
        }),
        connections: connections.clone(),
        tracker: tracker.clone(),
    });
    let accepting = TaskTracker::new();
    for (listener, mode) in doors {
        accepting.spawn(accept(listener, Arc::new(mode), context.clone(), stop.clone()));
    }
    accepting.close();
    let serving = async {
        stop.cancelled().await;
        accepting.wait().await;
        drain(&connections, &tracker, grace).await
    };
    tokio::select! {
        ended = serving => ended,
        never = connections.watch() => match never {},
    }
}

/// The port of HTTPS (RFC 9110 section 4.2.2).
const HTTPS_PORT: u16 = 443;

/// What is spoken at each listener. One for HTTPS without certificates is left out: the configuration does not allow it.
fn doors(
    listeners: Vec<Listener>,
    settings: &ServeSettings,
    certificates: Option<&Arc<Certificates>>,
) -> Vec<(Listener, ListenerMode)> {
    let own = listeners.iter().map(Listener::endpoint).find(|endpoint| endpoint.protocol == ListenerProtocol::Https);
    let https_port = settings.https_port.or_else(|| own?.place.port()).unwrap_or(HTTPS_PORT);
    let mode = |listener: Listener| {
        let kind = match listener.endpoint().protocol {
            ListenerProtocol::Http => ListenerKind::Http,
            ListenerProtocol::Https => ListenerKind::Https(certificates?.clone()),
            ListenerProtocol::Redirect => ListenerKind::Redirect,
        };
        Some((listener, ListenerMode { kind, proxy_protocol: settings.proxy_protocol, https_port }))
    };
    listeners.into_iter().filter_map(mode).collect()
}

async fn drain(connections: &OpenConnections, tracker: &TaskTracker, grace: Duration) -> Ended {
    connections.order_all(CloseOrder::Close);
    tracker.close();
    if tokio::time::timeout(grace, tracker.wait()).await.is_ok() {
        return Ended { cut: 0 };
    }
    let cut = connections.order_all(CloseOrder::Cut);
    let _ = tokio::time::timeout(CUT_TIME, tracker.wait()).await;
    Ended { cut }
}

//! The request street: from a socket to an app and back.
//!
//! ```text
//! listen ─ accept ─ connection: proxied → tls → detect → hyper ─ handle ──────────────────────────────────────────┐
//!            │                      │         admit → elsewhere → look_up → statics → body → App::call → respond  │
//!          open ── overdue ── activity          │         │          │                                  │         │
//!        (permits, the watch)       │       authority  (tls, doors)  routes            answer compress cookies pages
//!                             socket, stream   path                                                    │
//!                              └ chunks, wire fields               access_log ──────────────────── logged_body
//! ```
//!
//! Nothing here knows how apps come to be: the route table is all that this street and `deploy` share. Everything that is
//! spawned runs on one tracker, which [`run`] waits for. `health` answers on a listener of its own.

mod accept;
pub mod access_log;
mod activity;
mod admit;
mod answer;
mod authority;
mod body;
mod chunks;
mod clock;
mod compress;
mod connection;
mod cookies;
mod detect;
mod door;
mod elsewhere;
mod encoded;
mod encoder;
mod fields;
mod forwarded;
mod handle;
#[cfg(any(test, fuzzing))]
pub mod head_fuzz;
pub mod health;
mod index_page;
pub mod inherited;
mod leftover;
pub mod listen;
mod logged_body;
mod look_up;
mod mask;
mod noted;
mod open;
mod overdue;
mod pages;
mod path;
mod promise;
mod proxied;
#[cfg(test)]
#[path = "../../../tests/harness/random.rs"]
mod random;
mod reach;
mod refused;
mod request_id;
mod respond;
pub mod settings;
mod socket;
mod statics;
mod stream;
#[cfg(test)]
mod street_tests;
pub mod trusted;
mod unbuilt;
mod unix_socket;
mod visit;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use guesthouse_app::routes::RouteReader;
use guesthouse_tls::certificates::Certificates;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::House;
use crate::accept::accept;
use crate::connection::Protocols;
use crate::door::Door;
use crate::door::DoorKind;
use crate::encoder::Encoders;
use crate::listen::Listener;
use crate::listen::Speech;
use crate::open::OpenConnections;
use crate::overdue::Order;
use crate::request_id::RequestIds;
use crate::settings::ServeSettings;
use crate::visit::Street;

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
    stop: CancellationToken,
) -> Ended {
    let tracker = TaskTracker::new();
    let doors = doors(listeners, &settings, certificates.as_ref());
    let grace = settings.grace;
    let connections = Arc::new(OpenConnections::new(&settings));
    let (ids, encoders) = (RequestIds::new(), Encoders::new(settings.encoders_max));
    let house = Arc::new(House {
        protocols: Protocols::new(&settings, tracker.clone()),
        street: Arc::new(Street { settings, routes, ids, encoders, certificates, tracker: tracker.clone() }),
        connections: connections.clone(),
        tracker: tracker.clone(),
    });
    let accepting = TaskTracker::new();
    for (listener, door) in doors {
        accepting.spawn(accept(listener, Arc::new(door), house.clone(), stop.clone()));
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
) -> Vec<(Listener, Door)> {
    let own = listeners.iter().map(Listener::endpoint).find(|endpoint| endpoint.speech == Speech::Https);
    let https_port = settings.https_port.or_else(|| own?.place.port()).unwrap_or(HTTPS_PORT);
    let door = |listener: Listener| {
        let kind = match listener.endpoint().speech {
            Speech::Http => DoorKind::Http,
            Speech::Https => DoorKind::Https(certificates?.clone()),
            Speech::Redirect => DoorKind::Redirect,
        };
        Some((listener, Door { kind, proxy_protocol: settings.proxy_protocol, https_port }))
    };
    listeners.into_iter().filter_map(door).collect()
}

async fn drain(connections: &OpenConnections, tracker: &TaskTracker, grace: Duration) -> Ended {
    connections.order_all(Order::Close);
    tracker.close();
    if tokio::time::timeout(grace, tracker.wait()).await.is_ok() {
        return Ended { cut: 0 };
    }
    let cut = connections.order_all(Order::Cut);
    let _ = tokio::time::timeout(CUT_TIME, tracker.wait()).await;
    Ended { cut }
}

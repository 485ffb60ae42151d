//! The request street: from a socket to an app and back.
//!
//! ```text
//! listen ─ accept ─ detect ─ connection (hyper) ─ handle ──────────────────────────────────────────────┐
//!            │                   │                  id → admit → routes → body → App::call → respond   │
//!          open ── overdue ── activity                 │                                      │        │
//!        (permits, the watch)    └ socket ─ wire       authority path fields         answer cookies pages
//!                                                                                             │
//!                                                  access_log ──────────────────────── logged_body
//! ```
//!
//! Nothing here knows how apps come to be: the route table is all that this street and `deploy` share. Everything that is
//! spawned runs on one tracker, which [`run`] waits for. `health` answers on a listener of its own.

mod accept;
mod access_log;
mod activity;
mod admit;
mod answer;
mod authority;
mod body;
mod clock;
mod connection;
mod cookies;
mod detect;
mod fields;
mod handle;
pub mod health;
mod index_page;
pub mod listen;
mod logged_body;
mod mask;
mod open;
mod overdue;
mod pages;
mod path;
mod refused;
mod request_id;
mod respond;
pub mod settings;
mod socket;
#[cfg(test)]
mod street_tests;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::routes::RouteReader;
use crate::serve::accept::House;
use crate::serve::accept::accept;
use crate::serve::connection::Protocols;
use crate::serve::handle::Street;
use crate::serve::listen::Listener;
use crate::serve::open::OpenConnections;
use crate::serve::overdue::Order;
use crate::serve::request_id::RequestIds;
use crate::serve::settings::ServeSettings;

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
    routes: RouteReader,
    stop: CancellationToken,
) -> Ended {
    let tracker = TaskTracker::new();
    let grace = settings.grace;
    let connections = Arc::new(OpenConnections::new(&settings));
    let house = Arc::new(House {
        protocols: Protocols::new(&settings, tracker.clone()),
        street: Arc::new(Street { settings, routes, ids: RequestIds::new() }),
        connections: connections.clone(),
        tracker: tracker.clone(),
    });
    let doors = TaskTracker::new();
    for listener in listeners {
        doors.spawn(accept(listener, house.clone(), stop.clone()));
    }
    doors.close();
    let serving = async {
        stop.cancelled().await;
        doors.wait().await;
        drain(&connections, &tracker, grace).await
    };
    tokio::select! {
        ended = serving => ended,
        never = connections.watch() => match never {},
    }
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

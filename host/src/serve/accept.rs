//! The door: takes visitors in, never more than there is room for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;
use tracing::warn;

use crate::serve::connection::Protocols;
use crate::serve::connection::serve;
use crate::serve::handle::Street;
use crate::serve::handle::Visit;
use crate::serve::listen::Listener;
use crate::serve::open::OpenConnection;
use crate::serve::open::OpenConnections;
use crate::serve::wire::Tracer;

/// After an error that another try would meet again (no descriptors left): from here, doubled up to the most.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What all doors share.
pub struct House {
    /// What all requests share.
    pub street: Arc<Street>,
    /// How to speak.
    pub protocols: Protocols,
    /// Who is here.
    pub connections: Arc<OpenConnections>,
    /// Where connections run.
    pub tracker: TaskTracker,
}

/// Accepts until `stop`, and then those who were already waiting. An error never ends it.
pub async fn accept(listener: Listener, house: Arc<House>, stop: CancellationToken) {
    let address = listener.local_addr();
    let listener = match listener.into_tokio() {
        Ok(listener) => listener,
        Err(error) => return error!("cannot accept on {address}: {error}"),
    };
    if house.street.settings.trace_wire.is_some() && !address.ip().is_loopback() {
        warn!("what arrives on {address} is not traced: only loopback addresses are");
    }
    let mut pause = PAUSE_MIN;
    let accept_all = async {
        loop {
            // The permit is taken before `accept`, so that a full house leaves callers in the kernel's queue rather than
            // in ours.
            let permit = house.connections.permit().await;
            match listener.accept().await {
                Ok((stream, peer)) => {
                    pause = PAUSE_MIN;
                    welcome(stream, peer, house.connections.enter(permit), &house);
                }
                Err(error) if is_of_one_caller(&error) => {}
                Err(error) => {
                    warn!("cannot accept on {address}, next try in {pause:?}: {error}");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    };
    tokio::select! {
        // `accept_all` first: it goes on until nobody is waiting any more.
        biased;
        () = accept_all => {}
        () = stop.cancelled() => {}
    }
}

/// The caller went away between the kernel's queue and us.
fn is_of_one_caller(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

fn welcome(stream: TcpStream, peer: SocketAddr, connection: OpenConnection, house: &Arc<House>) {
    // A small response must not wait for more to come. It fails only on a connection that is gone.
    let _ = stream.set_nodelay(true);
    let trace =
        house.street.settings.trace_wire.filter(|_| stream.local_addr().is_ok_and(|own| own.ip().is_loopback()));
    let tracer = trace.map(|trace| Box::new(Tracer::new(peer, trace)));
    let activity = connection.activity.clone();
    let visit = Arc::new(Visit { street: house.street.clone(), activity, peer: Some(peer.ip().to_canonical()) });
    let protocols_of = house.clone();
    house.tracker.spawn(async move {
        serve(stream, visit, &protocols_of.protocols, tracer).await;
        drop(connection);
    });
}

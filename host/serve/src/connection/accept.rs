//! The door: takes visitors in, never more than there is room for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;
use tracing::error;
use tracing::warn;

use crate::connection::establish::Arrival;
use crate::connection::establish::Protocols;
use crate::connection::establish::serve;
use crate::connection::trace::Tracer;
use crate::listen::listener::Listener;
use crate::listen::listener_mode::ListenerMode;
use crate::listen::stream::Plain;
use crate::request::context::ServeContext;
use crate::track::open_connections::OpenConnection;
use crate::track::open_connections::OpenConnections;

/// After an error that another try would meet again (no descriptors left): from here, doubled up to the most.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What all listeners share.
pub struct AcceptContext {
    /// What all requests share.
    pub shared: Arc<ServeContext>,
    /// How to speak.
    pub protocols: Protocols,
    /// Who is here.
    pub connections: Arc<OpenConnections>,
    /// Where connections run.
    pub tracker: TaskTracker,
}

/// Accepts until `stop`, and then those who were already waiting. An error never ends it.
pub async fn accept(listener: Listener, mode: Arc<ListenerMode>, context: Arc<AcceptContext>, stop: CancellationToken) {
    let endpoint = listener.endpoint().clone();
    let listener = match listener.into_tokio() {
        Ok(listener) => listener,
        Err(error) => return error!(target: "guesthouse::serve", "cannot accept on {}: {error}", endpoint.place),
    };
    if context.shared.settings.trace_wire.is_some() && !endpoint.is_loopback() {
        warn!(
            target: "guesthouse::serve",
            "what arrives on {} is not traced: only loopback addresses are",
            endpoint.place
        );
    }
    let mut pause = PAUSE_MIN;
    let accept_all = async {
        loop {
            // The permit is taken before `accept`, so that a full host leaves callers in the kernel's queue rather than
            // in ours.
            let permit = context.connections.permit().await;
            match listener.accept().await {
                Ok((stream, peer)) => {
                    pause = PAUSE_MIN;
                    welcome(stream, peer, &mode, context.connections.enter(permit), &context);
                }
                Err(error) if is_of_one_caller(&error) => {}
                Err(error) => {
                    warn!(
                        target: "guesthouse::serve",
                        "cannot accept on {}, next try in {pause:?}: {error}",
                        endpoint.place
                    );
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

fn welcome(
    stream: Plain,
    peer: Option<SocketAddr>,
    mode: &Arc<ListenerMode>,
    mut place: OpenConnection,
    context: &Arc<AcceptContext>,
) {
    let address = peer.map(|peer| peer.ip().to_canonical());
    if let Some(address) = address
        && let Err(error) = place.belongs_to(address)
    {
        // Closed, without a word: whoever has so many connections has them for something else.
        return debug!(target: "guesthouse::serve", "a connection was not taken: {error}");
    }
    stream.send_at_once();
    let on_loopback = || stream.local_addr().is_some_and(|own| own.ip().is_loopback());
    let trace = context.shared.settings.trace_wire.filter(|_| on_loopback());
    let tracer = trace.zip(peer).map(|(trace, peer)| Box::new(Tracer::new(peer, trace)));
    let arrival = Arrival { stream, peer: address, mode: mode.clone(), place, tracer };
    let context_of = context.clone();
    context.tracker.spawn(async move { serve(arrival, context_of.shared.clone(), &context_of.protocols).await });
}

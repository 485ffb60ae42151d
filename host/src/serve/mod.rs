//! The request street: from a socket to an app and back.
//!
//! accept → admit → route → call → respond

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::routes::RouteReader;

/// What the request street is told once.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// From accept to the end of a request's head.
    pub head_timeout: Duration,
    /// Silence within a request's body.
    pub body_silence: Duration,
    /// A connection without a request.
    pub keep_alive_idle: Duration,
    /// A visitor who does not read.
    pub write_idle: Duration,
    /// The head with its request line, in bytes.
    pub head_bytes_max: usize,
    /// Header fields in one head.
    pub fields_max: usize,
    /// The request target, in bytes.
    pub target_bytes_max: usize,
    /// Connections open at once; beyond it the oldest idle one is closed.
    pub connections_max: usize,
    /// After a stop: how long requests in flight may go on.
    pub grace: Duration,
    /// Show inner details on error pages and an index page of all apps (`dev` only).
    pub inner_details: bool,
    /// Print what arrives on each socket, as bytes and as text.
    pub trace_wire: Option<WireTrace>,
}

/// How a wire trace treats what is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireTrace {
    /// `authorization` and cookie values are masked.
    Masked,
    /// Everything is shown (`dev`).
    Full,
}

/// A bound socket. It is bound before anything else is set up, so that a taken port is known at once.
pub struct Listener {}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {cause}")]
pub struct ListenError {
    /// What was asked for.
    pub address: String,
    /// The system's answer, and advice.
    pub cause: String,
}

impl Listener {
    /// Binds; port 0 takes a free one.
    pub fn bind(_address: SocketAddr) -> Result<Listener, ListenError> {
        todo!()
    }

    /// The address that was really bound.
    pub fn local_addr(&self) -> SocketAddr {
        todo!()
    }
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Connections that had to be cut when the grace was over.
    pub cut: usize,
}

/// Serves on all listeners until `stop`, then drains: no new connection, `connection: close` or GOAWAY on the open ones,
/// the grace, the cut.
pub async fn run(
    _listeners: Vec<Listener>,
    _settings: ServeSettings,
    _routes: RouteReader,
    _stop: CancellationToken,
) -> Ended {
    todo!()
}

/// Where health is asked for: a listener of its own.
pub enum HealthListener {
    /// Made by `bind_health`.
    #[doc(hidden)]
    Todo,
}

/// Where the health listener is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthAddress {
    /// A Unix socket at this path.
    Unix(std::path::PathBuf),
    /// A TCP address.
    Tcp(SocketAddr),
}

/// Binds the health listener; a stale Unix socket is replaced.
pub fn bind_health(_address: &HealthAddress) -> Result<HealthListener, ListenError> {
    todo!()
}

/// Answers `/.well-known/guesthouse/live` and `/ready` until `stop`.
pub async fn run_health(_listener: HealthListener, _ready: watch::Receiver<bool>, _stop: CancellationToken) {
    todo!()
}

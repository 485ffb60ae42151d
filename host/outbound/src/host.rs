//! What all apps share on their way out: descriptors, look-ups, trust, and the addresses that are the host's own.

use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::client::Resumption;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::idle::AllIdle;
use crate::internal::Internal;
use crate::mock::Mock;
use crate::trust::TrustError;
use crate::trust::roots;
use crate::trust::trusting;
use crate::wanted::Wanted;

/// What the operator sets for the way out.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// Connections to the outside of all apps together: each is a descriptor of this process.
    pub connections_max: usize,
    /// Certificates that are trusted, as PEM, in place of the system's.
    pub roots: Option<PathBuf>,
    /// What this host listens on.
    pub own: OwnAddresses,
    /// Its apps, as they call one another.
    pub internal: Internal,
    /// What is answered in place of the outside.
    pub mock: Option<Mock>,
    /// What apps call, where nobody has to ask for it.
    pub wanted: Wanted,
}

impl Default for HostSettings {
    fn default() -> HostSettings {
        // Lowered by the host to a share of what the system lets this process have.
        HostSettings {
            connections_max: 4096,
            roots: None,
            own: OwnAddresses::default(),
            internal: Internal::default(),
            mock: None,
            wanted: Wanted::default(),
        }
    }
}

/// What this host listens on: no app comes in that way. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct OwnAddresses(Arc<Mutex<Vec<SocketAddr>>>);

impl OwnAddresses {
    /// Something of ours is bound to `address` from now on.
    pub fn add(&self, address: SocketAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    /// Whether whoever connects to `address` arrives here.
    pub fn are_at(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|own| {
            own.port() == address.port()
                && (own.ip().to_canonical() == ip || (own.ip().is_unspecified() && is_of_this_machine(ip)))
        })
    }
}

/// Nothing is sent for this: only what is an address of the machine can be bound to.
fn is_of_this_machine(address: IpAddr) -> bool {
    address.is_unspecified() || address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// What all clients have in common.
pub struct Host {
    pub(crate) own: OwnAddresses,
    pub(crate) internal: Internal,
    pub(crate) mock: Option<Mock>,
    pub(crate) wanted: Wanted,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) connections_max: usize,
    /// What apps keep of them and do not use.
    pub(crate) idle: AllIdle,
    /// Each look-up is a thread that the system's resolver may hold for long.
    pub(crate) lookups: Arc<Semaphore>,
    /// Connections that are open.
    pub(crate) tasks: TaskTracker,
    roots: Option<PathBuf>,
    tls: OnceLock<Result<ClientConfig, TrustError>>,
}

/// Sessions of TLS that one app can resume.
const SESSIONS_MAX: usize = 32;

/// Look-ups of all apps together.
const LOOKUPS_MAX: usize = 32;

impl fmt::Debug for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Host").finish_non_exhaustive()
    }
}

impl Host {
    /// With the operator's settings.
    pub fn new(settings: &HostSettings) -> Host {
        Host {
            own: settings.own.clone(),
            internal: settings.internal.clone(),
            mock: settings.mock.clone(),
            wanted: settings.wanted.clone(),
            connections: Arc::new(Semaphore::new(settings.connections_max)),
            connections_max: settings.connections_max,
            idle: AllIdle::default(),
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
            tasks: TaskTracker::new(),
            roots: settings.roots.clone(),
            tls: OnceLock::new(),
        }
    }

    /// How TLS is spoken to the outside. Certificates are read when they are needed for the first time. Blocks.
    fn tls(&self) -> Result<ClientConfig, TrustError> {
        self.tls.get_or_init(|| roots(self.roots.as_deref()).map(trusting)).clone()
    }

    /// The same for one app, and why it trusts nobody, if it does: a session is resumed by the app that began it only. Blocks.
    pub(crate) fn tls_of_one_app(&self) -> (ClientConfig, Option<TrustError>) {
        let (mut tls, untrusting) = match self.tls() {
            Ok(tls) => (tls, None),
            Err(why) => (trusting(RootCertStore::empty()), Some(why)),
        };
        tls.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        (tls, untrusting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_here_is_known_however_it_is_spelled() {
        let own = OwnAddresses::default();
        own.add("0.0.0.0:8080".parse().unwrap());
        own.add("[::]:8081".parse().unwrap());
        own.add("192.0.2.1:9".parse().unwrap());
        for (address, expected) in [
            ("127.0.0.1:8080", true),
            ("127.9.9.9:8080", true),
            ("0.0.0.0:8080", true),
            ("[::ffff:127.0.0.1]:8080", true),
            ("127.0.0.1:8081", true),
            ("[::1]:8081", true),
            ("192.0.2.1:9", true),
            ("127.0.0.1:9", false),
            ("127.0.0.1:80", false),
            ("203.0.113.7:8080", false),
        ] {
            assert_eq!(own.are_at(address.parse().unwrap()), expected, "{address}");
        }
    }
}

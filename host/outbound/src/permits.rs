//! Connections that one app has to the outside: each takes one of its own and one of the host's.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::OutboundError;
use crate::host::Host;

/// How long a request waits for a connection that another one gives back.
const PERMIT_WITHIN: Duration = Duration::from_secs(1);

/// What one app may have of them. Clones share it.
#[derive(Clone)]
pub struct Connections {
    host: Arc<Host>,
    own: Arc<Semaphore>,
    own_max: usize,
}

/// One connection, until it is dropped.
pub struct Permits {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Connections {
    /// At most `own_max` at once.
    pub fn new(host: &Arc<Host>, own_max: usize) -> Connections {
        Connections { host: host.clone(), own: Arc::new(Semaphore::new(own_max)), own_max }
    }

    /// What all apps share.
    pub(crate) fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// One, as soon as there is one.
    pub(crate) async fn wait(&self) -> Result<Permits, OutboundError> {
        // Its own first: an app that waits for itself keeps nothing from others.
        let own = wait(&self.own).await.ok_or_else(|| self.own_are_taken())?;
        let of_all = wait(&self.host.connections).await.ok_or_else(|| self.all_are_taken())?;
        Ok(Permits { _own: own, _of_all: of_all })
    }

    /// One, if there is one: whoever holds connections and waits for another would wait for itself.
    pub(crate) fn take(&self) -> Result<Permits, OutboundError> {
        let own = self.own.clone().try_acquire_owned().map_err(|_| self.own_are_taken())?;
        let of_all = self.host.connections.clone().try_acquire_owned().map_err(|_| self.all_are_taken())?;
        Ok(Permits { _own: own, _of_all: of_all })
    }

    fn own_are_taken(&self) -> OutboundError {
        OutboundError::Connections { whose: "its", most: self.own_max }
    }

    fn all_are_taken(&self) -> OutboundError {
        OutboundError::Connections { whose: "the host's", most: self.host.connections_max }
    }
}

async fn wait(from: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    timeout(PERMIT_WITHIN, from.clone().acquire_owned()).await.ok()?.ok()
}

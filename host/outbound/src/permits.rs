//! Connections that one app has to the outside: each takes one of its own and one of the host's.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::Weak;
use std::time::Duration;

use guesthouse_types::target::Target;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::OutboundError;
use crate::host::Host;
use crate::idle::Idle;

/// How long a request waits for a connection that another one gives back.
const PERMIT_WITHIN: Duration = Duration::from_secs(1);

/// What one app may have of them. Clones share it.
#[derive(Clone)]
pub struct Connections {
    host: Arc<Host>,
    own: Arc<Semaphore>,
    own_max: usize,
    /// What the app keeps of them and does not use.
    idle: Arc<OnceLock<Weak<dyn Idle>>>,
}

/// One connection, until it is dropped.
pub struct Permits {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Connections {
    /// At most `own_max` at once.
    pub fn new(host: &Arc<Host>, own_max: usize) -> Connections {
        Connections { host: host.clone(), own: Arc::new(Semaphore::new(own_max)), own_max, idle: Arc::default() }
    }

    /// What all apps share.
    pub(crate) fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// What `idle` keeps is given up when there are no others.
    pub(crate) fn give_up_first(&self, idle: Weak<dyn Idle>) {
        // One for each app's revision.
        let _ = self.idle.set(idle.clone());
        self.host.idle.add(idle);
    }

    /// One for `target`, as soon as there is one.
    pub(crate) async fn wait(&self, target: &Target) -> Result<Permits, OutboundError> {
        // Its own first: an app that waits for itself keeps nothing from others.
        let own = wait(&self.own, || self.give_up_own(Some(target))).await.ok_or_else(|| self.own_are_taken())?;
        let of_all = wait(&self.host.connections, || self.host.idle.give_up()).await;
        Ok(Permits { _own: own, _of_all: of_all.ok_or_else(|| self.all_are_taken())? })
    }

    /// One, if there is one: whoever holds connections and waits for another would wait for itself. What is only kept is
    /// given up, for the next who asks.
    pub(crate) fn take(&self) -> Result<Permits, OutboundError> {
        let own = take(&self.own, || self.give_up_own(None)).ok_or_else(|| self.own_are_taken())?;
        let of_all = take(&self.host.connections, || self.host.idle.give_up()).ok_or_else(|| self.all_are_taken())?;
        Ok(Permits { _own: own, _of_all: of_all })
    }

    fn give_up_own(&self, but: Option<&Target>) {
        self.idle.get().and_then(Weak::upgrade).into_iter().for_each(|idle| idle.give_up(but));
    }

    fn own_are_taken(&self) -> OutboundError {
        OutboundError::Connections { whose: "its", most: self.own_max }
    }

    fn all_are_taken(&self) -> OutboundError {
        OutboundError::Connections { whose: "the host's", most: self.host.connections_max }
    }
}

fn take(from: &Arc<Semaphore>, make_room: impl FnOnce()) -> Option<OwnedSemaphorePermit> {
    let taken = from.clone().try_acquire_owned().ok();
    if taken.is_none() {
        make_room();
    }
    taken
}

async fn wait(from: &Arc<Semaphore>, make_room: impl FnOnce()) -> Option<OwnedSemaphorePermit> {
    if let Some(taken) = take(from, make_room) {
        return Some(taken);
    }
    timeout(PERMIT_WITHIN, from.clone().acquire_owned()).await.ok()?.ok()
}

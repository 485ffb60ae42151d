//! The door of one app: who may run now, who waits, and who is turned away.

use std::sync::Arc;
use std::time::Duration;

use crate::fill::Fill;
use crate::places::Place;
use crate::places::Places;
use crate::places::QueueFull;
use crate::places::pace::Pace;
use crate::places::pace::Visitor;

/// The places of one app, all its revisions together, and of the host.
pub struct Admission {
    app: Arc<Places>,
    host: Arc<Places>,
    queue: usize,
    queue_wait: Duration,
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// Nobody made room in time.
    #[error("no room for another request within {0:?}")]
    Busy(Duration),
    /// Too many wait already.
    #[error("no room for another request, and {0} wait already")]
    QueueFull(usize),
}

/// The right to run, given back on drop.
pub struct Permits {
    _app: Place,
    _host: Place,
}

impl Admission {
    /// Admits `concurrency` at once, and never more than `host` has places; `queue` wait, for `queue_wait` at most.
    pub fn new(concurrency: usize, queue: usize, queue_wait: Duration, host: Arc<Places>) -> Admission {
        Admission { app: Places::new(concurrency, queue), host, queue, queue_wait }
    }

    /// How full the app's places are.
    pub fn fill(&self) -> Fill {
        self.app.fill()
    }

    /// Whether there is a place, or room in the queue for one, at this moment.
    pub fn would_admit(&self, visitor: Visitor) -> Result<(), AdmissionError> {
        if self.app.would_take(visitor) { Ok(()) } else { Err(AdmissionError::QueueFull(self.queue)) }
    }

    /// Waits for a place of the app and one of the host.
    pub async fn admit(&self, pace: &Arc<Pace>) -> Result<Permits, AdmissionError> {
        if let Some(app) = self.app.try_take(pace, 1)
            && let Some(host) = self.host.try_take(pace, 1)
        {
            return Ok(Permits { _app: app, _host: host });
        }
        let both = async {
            let app = self.app.take(pace, 1).await?;
            let host = self.host.take(pace, 1).await?;
            Ok::<_, QueueFull>(Permits { _app: app, _host: host })
        };
        match tokio::time::timeout(self.queue_wait, both).await {
            Ok(permits) => permits.map_err(|QueueFull| AdmissionError::QueueFull(self.queue)),
            Err(_) => Err(AdmissionError::Busy(self.queue_wait)),
        }
    }
}

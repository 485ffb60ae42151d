//! Who is being served by an instance that serves several: the list of active calls that both sides of a request see.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::sync::WaitForCancellationFutureOwned;
use wasmtime::component::GuestTaskId;

use crate::fault::Fault;
use crate::instances::read_ahead::Quiescence;

/// The requests in one instance. The instance's task sees it from inside, each request's visitor from outside.
pub(crate) struct ActiveCalls {
    /// Held for a few instructions, never across an await.
    inner: Mutex<Inner>,
    concurrent_max: usize,
    /// For responses on their way out.
    pub(crate) quiescence: Quiescence,
    stop: CancellationToken,
    ended: CancellationToken,
}

struct Inner {
    /// Whether another request may come in.
    is_open: bool,
    /// Whether somebody has left before the guest was done with him: what the guest still does for him ends with it.
    is_left: bool,
    /// How many more may come in.
    places: u32,
    next: u64,
    entries: Vec<Entry>,
    /// The task that was computing when the clock ticked last.
    computing: Option<GuestTaskId>,
    end: Option<End>,
    /// Whether the instance is being dropped, for whatever reason.
    is_going: bool,
}

struct Entry {
    id: u64,
    /// The guest's task that works on it, once it was called.
    task: Option<GuestTaskId>,
    /// CPU time that it has used.
    spent: Duration,
    is_left: bool,
}

/// Why the instance ended.
struct End {
    text: String,
    /// The fault itself, for the one whose fault it was.
    fault: Option<(u64, Fault)>,
}

/// What the list says after a piece of the instance's work.
pub(crate) enum Load {
    /// Somebody waits for something.
    Serving,
    /// Nobody does.
    Empty,
    /// Everyone has left, and the guest goes on.
    Abandoned,
    /// One request has used up its CPU time.
    Overspent(u64),
}

impl ActiveCalls {
    pub(crate) fn new(places: u32, concurrent_max: u32) -> Arc<ActiveCalls> {
        let inner = Inner {
            is_open: true,
            is_left: false,
            places,
            next: 0,
            entries: Vec::new(),
            computing: None,
            end: None,
            is_going: false,
        };
        Arc::new(ActiveCalls {
            inner: Mutex::new(inner),
            concurrent_max: concurrent_max as usize,
            quiescence: Quiescence::new(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        })
    }

    /// A place for one more request.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<SharedCall> {
        let mut inner = self.lock();
        if !inner.is_open || inner.entries.len() >= self.concurrent_max || inner.places == 0 {
            return None;
        }
        let id = inner.next;
        inner.next += 1;
        inner.places -= 1;
        inner.is_open = inner.places > 0;
        inner.entries.push(Entry { id, task: None, spent: Duration::ZERO, is_left: false });
        Some(SharedCall { calls: self.clone(), id, ended: self.gone(), is_done: false })
    }

    /// The guest was called for a request.
    pub(crate) fn begin(&self, id: u64, task: GuestTaskId) {
        let mut inner = self.lock();
        if let Some(entry) = inner.entries.iter_mut().find(|entry| entry.id == id) {
            entry.task = Some(task);
        }
    }

    /// The clock ticks while the guest computes for `task`.
    pub(crate) fn computes(&self, task: GuestTaskId) {
        self.quiescence.goes_on();
        self.lock().computing = Some(task);
    }

    /// The guest is done with a request.
    pub(crate) fn leave(&self, id: u64) {
        self.lock().entries.retain(|entry| entry.id != id);
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().is_open
    }

    /// Nobody comes in from now on.
    pub(crate) fn close(&self) {
        self.lock().is_open = false;
    }

    /// Closes if nobody is in; `false` when somebody is.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut inner = self.lock();
        if inner.entries.is_empty() {
            inner.is_open = false;
        }
        inner.entries.is_empty()
    }

    /// Whether the guest still works for somebody who has left.
    pub(crate) fn is_left(&self) -> bool {
        self.lock().is_left
    }

    /// How many have come in.
    pub(crate) fn entered(&self) -> u32 {
        u32::try_from(self.lock().next).unwrap_or(u32::MAX)
    }

    /// Charges a piece of the instance's CPU time to the request that was computing at the clock's last tick in it. A
    /// piece without a tick is charged to nobody: ticks fall on each as often as it computes.
    pub(crate) fn charge(&self, spent: Duration, cpu: Duration) -> Load {
        let mut inner = self.lock();
        if inner.entries.is_empty() {
            return Load::Empty;
        }
        if let Some(task) = inner.computing.take()
            && let Some(entry) = inner.entries.iter_mut().find(|entry| entry.task == Some(task))
        {
            entry.spent += spent;
            if entry.spent > cpu {
                return Load::Overspent(entry.id);
            }
        }
        if inner.entries.iter().all(|entry| entry.is_left) { Load::Abandoned } else { Load::Serving }
    }

    /// The instance has failed. With one request in it, it was that one's fault; otherwise `culprit` says whose.
    pub(crate) fn fail(&self, fault: Fault, culprit: Option<u64>) {
        let mut inner = self.lock();
        inner.is_open = false;
        let culprit = match &inner.entries[..] {
            [only] => Some(only.id),
            _ => culprit,
        };
        if inner.end.is_none() {
            inner.end = Some(End { text: fault.to_string(), fault: culprit.map(|id| (id, fault)) });
        }
    }

    /// Whether the instance goes on: what is closed in one that does not was not closed by its guest.
    pub(crate) fn is_sound(&self) -> bool {
        let inner = self.lock();
        !inner.is_going && inner.end.is_none()
    }

    /// To be dropped before the instance is.
    pub(crate) fn going(self: &Arc<Self>) -> Closing {
        Closing(self.clone())
    }

    /// Ready when the instance is gone, and it is known why.
    pub(crate) fn gone(&self) -> Pin<Box<WaitForCancellationFutureOwned>> {
        Box::pin(self.ended.clone().cancelled_owned())
    }

    /// Waits until somebody wants the instance to end at once.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The instance is gone.
    pub(crate) fn end(&self) {
        self.close();
        self.ended.cancel();
    }

    fn fault_of(&self, id: u64) -> Fault {
        let mut inner = self.lock();
        let Some(end) = &mut inner.end else { return Fault::Shared("it was ended".to_owned()) };
        match end.fault.take() {
            Some((culprit, fault)) if culprit == id => fault,
            other => {
                end.fault = other;
                Fault::Shared(end.text.clone())
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says on drop that the instance goes.
pub(crate) struct Closing(Arc<ActiveCalls>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.lock().is_going = true;
    }
}

/// One request's place in an instance, in its visitor's hands. Dropping it leaves.
pub(crate) struct SharedCall {
    calls: Arc<ActiveCalls>,
    pub(crate) id: u64,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    is_done: bool,
}

impl SharedCall {
    /// The response is complete.
    pub(crate) fn finish(mut self) {
        self.is_done = true;
    }

    /// Ends the instance, and with it everyone who is in it.
    pub(crate) fn stop(self, fault: &Fault) {
        let mut inner = self.calls.lock();
        inner.is_open = false;
        let text = format!("another request in it failed: {fault}");
        inner.end.get_or_insert(End { text, fault: None });
        drop(inner);
        self.calls.stop.cancel();
    }

    /// The instance ended before it was done with this request: why.
    pub(crate) async fn failed(mut self) -> Fault {
        std::future::poll_fn(|context| self.poll_failed(context)).await
    }

    /// Ready when the instance has ended.
    pub(crate) fn poll_failed(&mut self, context: &mut Context<'_>) -> Poll<Fault> {
        self.ended.as_mut().poll(context).map(|()| self.calls.fault_of(self.id))
    }
}

impl Drop for SharedCall {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut inner = self.calls.lock();
        inner.is_open = false;
        inner.is_left = true;
        if let Some(entry) = inner.entries.iter_mut().find(|entry| entry.id == self.id) {
            entry.is_left = true;
        }
    }
}

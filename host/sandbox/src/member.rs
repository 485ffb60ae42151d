//! Who is being served by an instance that serves several: the roll that both sides of a request see.

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

use crate::ahead::Standstill;
use crate::fault::Fault;

/// The requests in one instance. The instance's task sees it from inside, each request's visitor from outside.
pub(crate) struct Roll {
    /// Held for a few instructions, never across an await.
    names: Mutex<Names>,
    concurrent_max: usize,
    /// For responses on their way out.
    pub(crate) standstill: Standstill,
    stop: CancellationToken,
    ended: CancellationToken,
}

struct Names {
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

/// What the roll says after a piece of the instance's work.
pub(crate) enum Standing {
    /// Somebody waits for something.
    Serving,
    /// Nobody does.
    Empty,
    /// Everyone has left, and the guest goes on.
    Abandoned,
    /// One request has used up its CPU time.
    Overspent(u64),
}

impl Roll {
    pub(crate) fn new(places: u32, concurrent_max: u32) -> Arc<Roll> {
        let names = Names {
            is_open: true,
            is_left: false,
            places,
            next: 0,
            entries: Vec::new(),
            computing: None,
            end: None,
            is_going: false,
        };
        Arc::new(Roll {
            names: Mutex::new(names),
            concurrent_max: concurrent_max as usize,
            standstill: Standstill::new(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        })
    }

    /// A place for one more request.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Member> {
        let mut names = self.lock();
        if !names.is_open || names.entries.len() >= self.concurrent_max || names.places == 0 {
            return None;
        }
        let id = names.next;
        names.next += 1;
        names.places -= 1;
        names.is_open = names.places > 0;
        names.entries.push(Entry { id, task: None, spent: Duration::ZERO, is_left: false });
        Some(Member { roll: self.clone(), id, ended: self.gone(), is_done: false })
    }

    /// The guest was called for a request.
    pub(crate) fn begin(&self, id: u64, task: GuestTaskId) {
        let mut names = self.lock();
        if let Some(entry) = names.entries.iter_mut().find(|entry| entry.id == id) {
            entry.task = Some(task);
        }
    }

    /// The clock ticks while the guest computes for `task`.
    pub(crate) fn computes(&self, task: GuestTaskId) {
        self.standstill.goes_on();
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
        let mut names = self.lock();
        if names.entries.is_empty() {
            names.is_open = false;
        }
        names.entries.is_empty()
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
    pub(crate) fn charge(&self, spent: Duration, cpu: Duration) -> Standing {
        let mut names = self.lock();
        if names.entries.is_empty() {
            return Standing::Empty;
        }
        if let Some(task) = names.computing.take()
            && let Some(entry) = names.entries.iter_mut().find(|entry| entry.task == Some(task))
        {
            entry.spent += spent;
            if entry.spent > cpu {
                return Standing::Overspent(entry.id);
            }
        }
        if names.entries.iter().all(|entry| entry.is_left) { Standing::Abandoned } else { Standing::Serving }
    }

    /// The instance has failed. With one request in it, it was that one's fault; otherwise `culprit` says whose.
    pub(crate) fn fail(&self, fault: Fault, culprit: Option<u64>) {
        let mut names = self.lock();
        names.is_open = false;
        let culprit = match &names.entries[..] {
            [only] => Some(only.id),
            _ => culprit,
        };
        if names.end.is_none() {
            names.end = Some(End { text: fault.to_string(), fault: culprit.map(|id| (id, fault)) });
        }
    }

    /// Whether the instance goes on: what is closed in one that does not was not closed by its guest.
    pub(crate) fn is_sound(&self) -> bool {
        let names = self.lock();
        !names.is_going && names.end.is_none()
    }

    /// To be dropped before the instance is.
    pub(crate) fn going(self: &Arc<Self>) -> Going {
        Going(self.clone())
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
        let mut names = self.lock();
        let Some(end) = &mut names.end else { return Fault::Shared("it was ended".to_owned()) };
        match end.fault.take() {
            Some((culprit, fault)) if culprit == id => fault,
            other => {
                end.fault = other;
                Fault::Shared(end.text.clone())
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says on drop that the instance goes.
pub(crate) struct Going(Arc<Roll>);

impl Drop for Going {
    fn drop(&mut self) {
        self.0.lock().is_going = true;
    }
}

/// One request's place in an instance, in its visitor's hands. Dropping it leaves.
pub(crate) struct Member {
    roll: Arc<Roll>,
    pub(crate) id: u64,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    is_done: bool,
}

impl Member {
    /// The response is complete.
    pub(crate) fn finish(mut self) {
        self.is_done = true;
    }

    /// Ends the instance, and with it everyone who is in it.
    pub(crate) fn stop(self, fault: &Fault) {
        let mut names = self.roll.lock();
        names.is_open = false;
        let text = format!("another request in it failed: {fault}");
        names.end.get_or_insert(End { text, fault: None });
        drop(names);
        self.roll.stop.cancel();
    }

    /// The instance ended before it was done with this request: why.
    pub(crate) async fn failed(mut self) -> Fault {
        std::future::poll_fn(|context| self.poll_failed(context)).await
    }

    /// Ready when the instance has ended.
    pub(crate) fn poll_failed(&mut self, context: &mut Context<'_>) -> Poll<Fault> {
        self.ended.as_mut().poll(context).map(|()| self.roll.fault_of(self.id))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut names = self.roll.lock();
        names.is_open = false;
        names.is_left = true;
        if let Some(entry) = names.entries.iter_mut().find(|entry| entry.id == self.id) {
            entry.is_left = true;
        }
    }
}

//! Instances that answer several requests at once, each on a task of its own (0.3 only).
//!
//! A guest that computes holds its whole store, and with it everything that wasmtime would do for its siblings, timers
//! among them. So nothing that bounds a request waits inside of the store: deadlines are its visitor's own, and whoever
//! misses one ends the instance from outside.

use std::future::poll_fn;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Poll;
use std::task::ready;
use std::thread::available_parallelism;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Request;
use http::Response;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::Sleep;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::fault::Fault;
use crate::instance::Start;
use crate::lane::exchange::answer;
use crate::lane::exchange::watched;
use crate::lane::message;
use crate::lot::Keep;
use crate::lot::Lot;
use crate::member::Member;
use crate::member::Roll;
use crate::member::Standing;
use crate::response::GuestBody;
use crate::store::Common;
use crate::store::State;
use crate::tag::Tag;
use crate::visit::Held;
use crate::visit::Visit;
use crate::writer::Begun;
use crate::writer::Writer;

/// The instances of one guest that are at work.
pub(crate) struct Crew {
    shared: Arc<Shared>,
    /// Held to choose one, never across an await.
    workers: Mutex<Vec<Worker>>,
    cores: usize,
}

/// What every instance of the crew needs.
struct Shared {
    service: ServicePre<State>,
    lot: Arc<Lot<Service>>,
    common: Arc<Common>,
}

/// An instance at work, as those see it who look for one.
#[derive(Clone)]
struct Worker {
    roll: Arc<Roll>,
    jobs: mpsc::UnboundedSender<Job>,
}

/// A request on its way into an instance.
struct Job {
    incoming: Request<WasiBody>,
    tag: Tag,
    member: u64,
    reply: oneshot::Sender<Result<Begun, Fault>>,
    _held: Option<Held>,
}

impl Crew {
    pub(crate) fn new(service: ServicePre<State>, lot: Arc<Lot<Service>>, common: Arc<Common>) -> Crew {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Crew { shared: Arc::new(Shared { service, lot, common }), workers: Mutex::default(), cores }
    }

    pub(crate) async fn call(
        &self,
        incoming: Request<WasiBody>,
        mut visit: Visit,
    ) -> Result<Response<GuestBody>, Fault> {
        let (reply, answer) = oneshot::channel();
        let (tag, held) = (visit.tag.clone(), visit.held.take());
        let member = self.send_in(|member| Job { incoming, tag, member, reply, _held: held });
        let head = visit.limits().head;
        let begun = match tokio::time::timeout(head, answer).await {
            Ok(Ok(Ok(begun))) => begun,
            Ok(Ok(Err(fault))) => {
                member.finish();
                return Err(fault);
            }
            Ok(Err(_)) => return Err(member.failed().await),
            Err(_) => {
                let fault = Fault::Head(head);
                member.stop(&fault);
                return Err(fault);
            }
        };
        message::write(begun, Writer::Among(member), visit).await
    }

    /// Sends a request into the instance that has least to do. As long as there are fewer instances than cores, one that
    /// has something to do gets no more.
    fn send_in(&self, job: impl FnOnce(u64) -> Job) -> Member {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| worker.roll.is_open());
        let least = workers.iter().min_by_key(|worker| worker.roll.len());
        let fits = least.filter(|worker| workers.len() >= self.cores || worker.roll.len() == 0);
        let (worker, member) = match fits.and_then(|worker| Some((worker.clone(), worker.roll.enter()?))) {
            Some(found) => found,
            None => {
                let (worker, member) = self.start();
                workers.push(worker.clone());
                (worker, member)
            }
        };
        // Cannot fail: an instance does not end in good order while somebody is in it, and otherwise the member is told.
        let _ = worker.jobs.send(job(member.id));
        member
    }

    fn start(&self) -> (Worker, Member) {
        let Shared { service, lot, common } = &*self.shared;
        let kept = lot.take();
        let instances = &common.settings.instances;
        let served = kept.as_ref().map_or(0, |instance| instance.served);
        let roll = Roll::new(instances.requests_max - served, instances.concurrent_max);
        let member = roll.enter().expect("an instance with no request left is not kept, and this one is empty");
        let start = Start::new(kept, service.engine(), common, &Tag::new(SEVERAL));
        // Without a bound of its own: whoever puts a job in is a member, and those are bounded by the roll and by the app's
        // permits.
        let (jobs, queue) = mpsc::unbounded_channel();
        common.tasks.spawn(work(self.shared.clone(), start, queue, roll.clone()));
        (Worker { roll, jobs }, member)
    }
}

/// An instance's task: from its first request until nobody is left, or it fails.
async fn work(shared: Arc<Shared>, start: Start<Service>, queue: mpsc::UnboundedReceiver<Job>, roll: Arc<Roll>) {
    let end = End(roll.clone());
    let kept = tokio::select! {
        biased;
        () = roll.stopped() => None,
        kept = supervise(Box::pin(live(shared.clone(), start, queue, roll.clone())), &roll, &shared.common) => kept,
    };
    if let Some(keep) = kept {
        keep();
    }
    drop(end);
}

/// Whatever becomes of an instance, its members are told when it is gone.
struct End(Arc<Roll>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Lets an instance run, counts its time, and ends it when it has worked for nobody for too long.
async fn supervise(
    mut life: Pin<Box<impl Future<Output = Result<Option<Keep>, Fault>>>>,
    roll: &Roll,
    common: &Common,
) -> Option<Keep> {
    let limits = &common.settings.limits;
    let mut alone: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        let begun = Instant::now();
        let polled = roll.standstill.watch(life.as_mut(), context);
        let (fault, culprit) = match polled {
            Poll::Ready(Ok(keep)) => return Poll::Ready(keep),
            Poll::Ready(Err(fault)) => (fault, None),
            Poll::Pending => match roll.charge(begun.elapsed(), limits.cpu) {
                Standing::Serving => {
                    alone = None;
                    return Poll::Pending;
                }
                // What it does after its responses are complete: for no longer than it could have stood still before.
                Standing::Empty => {
                    let alone = alone.get_or_insert_with(|| Box::pin(tokio::time::sleep(limits.body_idle)));
                    return alone.as_mut().poll(context).map(|()| None);
                }
                Standing::Abandoned => return Poll::Ready(None),
                Standing::Overspent(member) => (Fault::Cpu(limits.cpu), Some(member)),
            },
        };
        report(roll, common, &fault);
        roll.fail(fault, culprit);
        Poll::Ready(None)
    })
    .await
}

/// With one request in the instance, the fault is told where that one is answered.
fn report(roll: &Roll, common: &Common, fault: &Fault) {
    let count = roll.len();
    if count != 1 {
        let backtrace = fault.backtrace().map(|text| format!(" at {}", text.replace('\n', ", "))).unwrap_or_default();
        common.log.note(SEVERAL, &format!("an instance with {count} requests in it ended: {fault}{backtrace}"));
    }
}

/// An instance from the inside: it takes in requests as they come, until nobody is left.
async fn live(
    shared: Arc<Shared>,
    start: Start<Service>,
    queue: mpsc::UnboundedReceiver<Job>,
    roll: Arc<Roll>,
) -> Result<Option<Keep>, Fault> {
    let mut instance = start.instance(&shared.service).await?;
    // Declared after the instance, and so dropped before it: whoever finds a body closed by its end can see that.
    let _going = roll.going();
    instance.store.data_mut().roll = Some(roll.clone());
    let (door, growth_max) = (&instance.door, shared.common.settings.instances.growth_bytes_max);
    let bytes_max = instance.store.data().memory.bytes().saturating_add(growth_max).saturating_sub(instance.growth());
    let ran =
        instance.store.run_concurrent(async |accessor| attend(accessor, door, queue, &roll, bytes_max).await).await;
    ran.flatten().map_err(|error| instance.fault(&error))?;
    instance.store.data_mut().roll = None;
    // It counted its first request when it was made.
    instance.served = instance.served.saturating_add(roll.entered().saturating_sub(1));
    Ok(if roll.is_left() { None } else { shared.lot.keep(instance) })
}

async fn attend(
    accessor: &Accessor<State>,
    door: &Service,
    mut queue: mpsc::UnboundedReceiver<Job>,
    roll: &Arc<Roll>,
    bytes_max: u64,
) -> wasmtime::Result<()> {
    let mut running = FuturesUnordered::new();
    poll_fn(|context| {
        loop {
            if let Poll::Ready(Some(ended)) = running.poll_next_unpin(context) {
                ended?;
                if accessor.with(|mut access| access.get().memory.bytes()) > bytes_max {
                    roll.close();
                }
                continue;
            }
            if let Poll::Ready(Some(job)) = queue.poll_recv(context) {
                let several = (!running.is_empty()).then(|| Tag::new(SEVERAL));
                accessor.with(|mut access| access.get().tag.set(several.as_ref().unwrap_or(&job.tag)));
                running.push(one(accessor, door, job, roll));
                continue;
            }
            if !running.is_empty() {
                return Poll::Pending;
            }
            // What the guest still does for somebody who has left ends with it.
            if !roll.is_left() {
                ready!(accessor.poll_no_interesting_tasks(context));
            }
            // Somebody who has just come in wakes this when his job is there.
            return if roll.close_if_empty() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
    })
    .await
}

/// What an instance prints while it works for more than one request is tagged with this: nobody can tell whose it is.
const SEVERAL: &str = "several";

/// One request. An error is the end of the instance.
async fn one(accessor: &Accessor<State>, door: &Service, job: Job, roll: &Arc<Roll>) -> wasmtime::Result<()> {
    let Job { incoming, member, mut reply, _held, .. } = job;
    let answered = async {
        match answer(accessor, door, incoming, |task| roll.begin(member, task)).await? {
            Err(code) => wasmtime::error::Ok(Err(code)),
            Ok(response) => {
                let (response, gone) = watched(response, Some(roll));
                Ok(Ok((roll.standstill.read_ahead(response).await, gone)))
            }
        }
    };
    let answered = tokio::select! {
        biased;
        answered = answered => Some(answered?),
        () = reply.closed() => None,
    };
    match answered {
        None => {}
        Some(Err(code)) => _ = reply.send(Err(Fault::said(&format!("{code:?}")))),
        Some(Ok((response, gone))) => {
            let is_heard = reply.send(Ok(response)).is_ok();
            if is_heard {
                let _ = gone.await;
            }
        }
    }
    roll.leave(member);
    Ok(())
}

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

use crate::bounds::log_context::LogContext;
use crate::fault::Fault;
use crate::instances::call::Call;
use crate::instances::call::CallGuards;
use crate::instances::exchange::answer;
use crate::instances::exchange::watched;
use crate::instances::idle::IdleInstances;
use crate::instances::idle::PutBack;
use crate::instances::instance::InstanceSource;
use crate::instances::message;
use crate::instances::response::GuestBody;
use crate::instances::shared_call::ActiveCalls;
use crate::instances::shared_call::Load;
use crate::instances::shared_call::SharedCall;
use crate::instances::store::Common;
use crate::instances::store::State;
use crate::instances::writer::Begun;
use crate::instances::writer::Writer;

/// The instances of one guest that are at work.
pub(crate) struct SharedInstances {
    shared: Arc<Parts>,
    /// Held to choose one, never across an await.
    workers: Mutex<Vec<Worker>>,
    cores: usize,
}

/// What every shared instance needs.
struct Parts {
    service: ServicePre<State>,
    idle_instances: Arc<IdleInstances<Service>>,
    common: Arc<Common>,
}

/// An instance at work, as those see it who look for one.
#[derive(Clone)]
struct Worker {
    calls: Arc<ActiveCalls>,
    jobs: mpsc::UnboundedSender<Job>,
}

/// A request on its way into an instance.
struct Job {
    incoming: Request<WasiBody>,
    log_context: LogContext,
    shared_call: u64,
    reply: oneshot::Sender<Result<Begun, Fault>>,
    _held: Option<CallGuards>,
}

impl SharedInstances {
    pub(crate) fn new(
        service: ServicePre<State>,
        idle_instances: Arc<IdleInstances<Service>>,
        common: Arc<Common>,
    ) -> SharedInstances {
        let cores = available_parallelism().map_or(1, NonZero::get);
        SharedInstances {
            shared: Arc::new(Parts { service, idle_instances, common }),
            workers: Mutex::default(),
            cores,
        }
    }

    pub(crate) async fn call(&self, incoming: Request<WasiBody>, mut call: Call) -> Result<Response<GuestBody>, Fault> {
        let (reply, answer) = oneshot::channel();
        let (log_context, held) = (call.log_context.clone(), call.held.take());
        let shared_call = self.send_in(|shared_call| Job { incoming, log_context, shared_call, reply, _held: held });
        let head = call.limits().head;
        let begun = match tokio::time::timeout(head, answer).await {
            Ok(Ok(Ok(begun))) => begun,
            Ok(Ok(Err(fault))) => {
                shared_call.finish();
                return Err(fault);
            }
            Ok(Err(_)) => return Err(shared_call.failed().await),
            Err(_) => {
                let fault = Fault::Head(head);
                shared_call.stop(&fault);
                return Err(fault);
            }
        };
        message::write(begun, Writer::Among(shared_call), call).await
    }

    /// Sends a request into the instance that has least to do. As long as there are fewer instances than cores, one that
    /// has something to do gets no more.
    fn send_in(&self, job: impl FnOnce(u64) -> Job) -> SharedCall {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| worker.calls.is_open());
        let least = workers.iter().min_by_key(|worker| worker.calls.len());
        let fits = least.filter(|worker| workers.len() >= self.cores || worker.calls.len() == 0);
        let (worker, shared_call) = match fits.and_then(|worker| Some((worker.clone(), worker.calls.enter()?))) {
            Some(found) => found,
            None => {
                let (worker, shared_call) = self.start();
                workers.push(worker.clone());
                (worker, shared_call)
            }
        };
        // Cannot fail: an instance does not end in good order while somebody is in it, and otherwise the member is told.
        let _ = worker.jobs.send(job(shared_call.id));
        shared_call
    }

    fn start(&self) -> (Worker, SharedCall) {
        let Parts { service, idle_instances, common } = &*self.shared;
        let kept = idle_instances.take();
        let instances = &common.settings.instances;
        let served = kept.as_ref().map_or(0, |instance| instance.served);
        let calls = ActiveCalls::new(instances.requests_max - served, instances.concurrent_max);
        let shared_call = calls.enter().expect("an instance with no request left is not kept, and this one is empty");
        let start = InstanceSource::new(kept, service.engine(), common, &LogContext::new(SEVERAL));
        // Without a bound of its own: whoever puts a job in is a member, and those are bounded by that list and by the app's
        // permits.
        let (jobs, queue) = mpsc::unbounded_channel();
        common.tasks.spawn(work(self.shared.clone(), start, queue, calls.clone()));
        (Worker { calls, jobs }, shared_call)
    }
}

/// An instance's task: from its first request until nobody is left, or it fails.
async fn work(
    shared: Arc<Parts>,
    start: InstanceSource<Service>,
    queue: mpsc::UnboundedReceiver<Job>,
    calls: Arc<ActiveCalls>,
) {
    let end = End(calls.clone());
    let kept = tokio::select! {
        biased;
        () = calls.stopped() => None,
        kept = supervise(Box::pin(live(shared.clone(), start, queue, calls.clone())), &calls, &shared.common) => kept,
    };
    if let Some(keep) = kept {
        keep();
    }
    drop(end);
}

/// Whatever becomes of an instance, its members are told when it is gone.
struct End(Arc<ActiveCalls>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Lets an instance run, counts its time, and ends it when it has worked for nobody for too long.
async fn supervise(
    mut life: Pin<Box<impl Future<Output = Result<Option<PutBack>, Fault>>>>,
    calls: &ActiveCalls,
    common: &Common,
) -> Option<PutBack> {
    let limits = &common.settings.limits;
    let mut alone: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        let begun = Instant::now();
        let polled = calls.quiescence.watch(life.as_mut(), context);
        let (fault, culprit) = match polled {
            Poll::Ready(Ok(keep)) => return Poll::Ready(keep),
            Poll::Ready(Err(fault)) => (fault, None),
            Poll::Pending => match calls.charge(begun.elapsed(), limits.cpu) {
                Load::Serving => {
                    alone = None;
                    return Poll::Pending;
                }
                // What it does after its responses are complete: for no longer than it could have stood still before.
                Load::Empty => {
                    let alone = alone.get_or_insert_with(|| Box::pin(tokio::time::sleep(limits.body_idle)));
                    return alone.as_mut().poll(context).map(|()| None);
                }
                Load::Abandoned => return Poll::Ready(None),
                Load::Overspent(shared_call) => (Fault::Cpu(limits.cpu), Some(shared_call)),
            },
        };
        report(calls, common, &fault);
        calls.fail(fault, culprit);
        Poll::Ready(None)
    })
    .await
}

/// With one request in the instance, the fault is told where that one is answered.
fn report(calls: &ActiveCalls, common: &Common, fault: &Fault) {
    let count = calls.len();
    if count != 1 {
        let backtrace = fault.backtrace().map(|text| format!(" at {}", text.replace('\n', ", "))).unwrap_or_default();
        common.log.note(SEVERAL, &format!("an instance with {count} requests in it ended: {fault}{backtrace}"));
    }
}

/// An instance from the inside: it takes in requests as they come, until nobody is left.
async fn live(
    shared: Arc<Parts>,
    start: InstanceSource<Service>,
    queue: mpsc::UnboundedReceiver<Job>,
    calls: Arc<ActiveCalls>,
) -> Result<Option<PutBack>, Fault> {
    let mut instance = start.instance(&shared.service).await?;
    // Declared after the instance, and so dropped before it: whoever finds a body closed by its end can see that.
    let _going = calls.going();
    instance.store.data_mut().calls = Some(calls.clone());
    let (exports, growth_max) = (&instance.exports, shared.common.settings.instances.growth_bytes_max);
    let bytes_max = instance.store.data().memory.bytes().saturating_add(growth_max).saturating_sub(instance.growth());
    let ran =
        instance.store.run_concurrent(async |accessor| attend(accessor, exports, queue, &calls, bytes_max).await).await;
    ran.flatten().map_err(|error| instance.fault(&error))?;
    instance.store.data_mut().calls = None;
    // It counted its first request when it was made.
    instance.served = instance.served.saturating_add(calls.entered().saturating_sub(1));
    Ok(if calls.is_left() { None } else { shared.idle_instances.keep(instance) })
}

async fn attend(
    accessor: &Accessor<State>,
    exports: &Service,
    mut queue: mpsc::UnboundedReceiver<Job>,
    calls: &Arc<ActiveCalls>,
    bytes_max: u64,
) -> wasmtime::Result<()> {
    let mut running = FuturesUnordered::new();
    poll_fn(|context| {
        loop {
            if let Poll::Ready(Some(ended)) = running.poll_next_unpin(context) {
                ended?;
                if accessor.with(|mut access| access.get().memory.bytes()) > bytes_max {
                    calls.close();
                }
                continue;
            }
            if let Poll::Ready(Some(job)) = queue.poll_recv(context) {
                let is_alone = running.is_empty();
                accessor.with(|mut access| {
                    let context = &access.get().log_context;
                    let several = || LogContext::at_depth(SEVERAL, context.deepest(&job.log_context));
                    context.set(&if is_alone { job.log_context.clone() } else { several() });
                });
                running.push(one(accessor, exports, job, calls));
                continue;
            }
            if !running.is_empty() {
                return Poll::Pending;
            }
            // What the guest still does for somebody who has left ends with it.
            if !calls.is_left() {
                ready!(accessor.poll_no_interesting_tasks(context));
            }
            // Somebody who has just come in wakes this when his job is there.
            return if calls.close_if_empty() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
    })
    .await
}

/// What an instance prints while it works for more than one request is tagged with this: nobody can tell whose it is.
const SEVERAL: &str = "several";

/// One request. An error is the end of the instance.
async fn one(
    accessor: &Accessor<State>,
    exports: &Service,
    job: Job,
    calls: &Arc<ActiveCalls>,
) -> wasmtime::Result<()> {
    let Job { incoming, shared_call, mut reply, _held, .. } = job;
    let answered = async {
        match answer(accessor, exports, incoming, |task| calls.begin(shared_call, task)).await? {
            Err(code) => wasmtime::error::Ok(Err(code)),
            Ok(response) => {
                let (response, gone) = watched(response, Some(calls));
                Ok(Ok((calls.quiescence.read_ahead(response).await, gone)))
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
    calls.leave(shared_call);
    Ok(())
}

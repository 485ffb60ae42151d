//! What one instance has to itself: its store, with everything that dies with it.

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use wasmtime::Engine;
use wasmtime::Store;
use wasmtime::UpdateDeadline;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpView;

use crate::bounds::compute;
use crate::bounds::idle::IdleRegistry;
use crate::bounds::log_context::LogContext;
use crate::bounds::memory::Account;
use crate::bounds::memory::Memory;
use crate::bounds::output::GuestLog;
use crate::capability::Attachments;
use crate::capability::Grants;
use crate::capability::contract::Attaching;
use crate::capability::contract::Capability;
use crate::capability::contract::Has;
use crate::capability::contract::Probe;
use crate::capability::contract::View;
use crate::console::Console;
use crate::fault::Fault;
use crate::instances::shared_call::ActiveCalls;
use crate::settings::GuestSettings;

/// Host resources that one instance may hold at once (streams, fields, pollables …).
const RESOURCES_MAX: usize = 10_000;

/// What the instances of one guest have in common.
pub(crate) struct Common {
    pub(crate) settings: Arc<GuestSettings>,
    pub(crate) grants: Grants,
    pub(crate) log: Arc<GuestLog>,
    /// The memory of its instances together.
    pub(crate) account: Arc<Account>,
    /// Those instances of all guests that wait for a request.
    pub(crate) idle: Arc<IdleRegistry>,
    /// Tracks what goes on without a visitor.
    pub(crate) tasks: TaskTracker,
    /// What stands in place of the log, for the one instance that runs a command.
    pub(crate) console: Option<Console>,
}

impl Common {
    /// The same for an instance that nobody has asked for, which is tried as `probe` says.
    pub(crate) fn for_probe(common: &Arc<Common>, probe: Probe) -> Arc<Common> {
        Arc::new(common.with(common.grants.for_probe(probe), None))
    }

    /// The same for the one instance that runs a command.
    pub(crate) fn for_command(common: &Arc<Common>, console: Console) -> Arc<Common> {
        Arc::new(common.with(common.grants.clone(), Some(console)))
    }

    fn with(&self, grants: Grants, console: Option<Console>) -> Common {
        let Common { settings, grants: _, log, account, idle, tasks, console: _ } = self;
        Common {
            settings: settings.clone(),
            grants,
            log: log.clone(),
            account: account.clone(),
            idle: idle.clone(),
            tasks: tasks.clone(),
            console,
        }
    }

    /// What capabilities may use of it in an instance that prints for `log_context`.
    fn attaching<'guest>(&'guest self, log_context: &'guest LogContext) -> Attaching<'guest> {
        let Common { settings, log, account, tasks, console, .. } = self;
        let concurrent_max = settings.instances.concurrent_max;
        Attaching { log, log_context, account, tasks, concurrent_max, console: console.as_ref() }
    }
}

/// The data of one store.
pub(crate) struct State {
    attached: Attachments,
    pub(crate) memory: Memory,
    common: Arc<Common>,
    pub(crate) log_context: LogContext,
    /// Who else is in this instance, when it answers several at once.
    pub(crate) calls: Option<Arc<ActiveCalls>>,
}

/// Makes a store with every bound in place. `log_context` says for whom the guest prints.
pub(crate) fn new(engine: &Engine, common: &Arc<Common>, log_context: &LogContext) -> Store<State> {
    let limits = &common.settings.limits;
    let mut things = ResourceTable::new();
    things.set_max_capacity(RESOURCES_MAX);
    let state = State {
        attached: Attachments::new(things, &common.grants, &common.attaching(log_context)),
        memory: Memory::new(limits.memory_bytes_max, &common.account),
        common: common.clone(),
        log_context: log_context.clone(),
        calls: None,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    // A guest that computes gives way to everyone else at every tick of the clock. tokio's own `yield_now` lets the I/O
    // driver run before the guest goes on; wasmtime's plain yield wakes itself at once and starves it.
    store.epoch_deadline_callback(|mut store| {
        if let Some(calls) = store.data().calls.clone()
            && let Some(task) = store.async_call_stack()?.last()
        {
            calls.computes(task);
        }
        compute::interrupt();
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store.set_epoch_deadline(1);
    // What the guest hands over in one call is copied to the host's memory: no more than the largest response.
    store.set_hostcall_fuel(usize::try_from(limits.response_bytes_max).unwrap_or(usize::MAX).saturating_add(1 << 20));
    // Handles within the guest, and streams, futures and tasks between it and the host, are kept by wasmtime itself.
    store.set_max_component_handles(RESOURCES_MAX);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(RESOURCES_MAX);
    }
    store
}

/// Makes ready what a guest that has not run yet is to find.
pub(crate) async fn open(store: &mut Store<State>) -> Result<(), Fault> {
    let State { attached, common, log_context, .. } = store.data_mut();
    attached.open(&common.grants, &common.attaching(log_context)).await
}

/// Makes a store ready for another request of its instance.
pub(crate) fn renew(store: &mut Store<State>, log_context: &LogContext) {
    let state = store.data_mut();
    state.log_context.set(log_context);
    state.memory.refused_by = None;
    state.attached.renew();
    store.set_epoch_deadline(1);
}

impl State {
    /// Its request is over: what it has closed is no longer counted.
    pub(crate) fn rest(&mut self) {
        self.attached.rest();
    }
}

impl<C: Capability> Has<C> for State
where
    Attachments: Has<C>,
{
    fn view(&mut self) -> View<'_, C> {
        self.attached.view()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let State { attached, common, log_context, .. } = self;
        attached.wasi(&common.grants, || common.attaching(log_context))
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.attached.http()
    }
}

//! What one instance has to itself: its store, with everything that dies with it.

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use wasmtime::Engine;
use wasmtime::Store;
use wasmtime::UpdateDeadline;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpView;

use crate::capability::outbound::Outbound;
use crate::capability::wasi;
use crate::idle::Idle;
use crate::member::Roll;
use crate::memory::Account;
use crate::memory::Memory;
use crate::output::GuestLog;
use crate::settings::GuestSettings;
use crate::tag::Tag;
use crate::upkeep::Upkeep;

/// Host resources that one instance may hold at once (streams, fields, pollables …).
const RESOURCES_MAX: usize = 10_000;

/// What the instances of one guest have in common.
pub(crate) struct Common {
    pub(crate) settings: GuestSettings,
    pub(crate) log: Arc<GuestLog>,
    /// The memory of its instances together.
    pub(crate) account: Arc<Account>,
    /// Those instances of all guests that wait for a request.
    pub(crate) idle: Arc<Idle>,
    /// Tracks what goes on without a visitor.
    pub(crate) tasks: TaskTracker,
}

/// The data of one store.
pub(crate) struct State {
    table: ResourceTable,
    /// Made when the guest first asks: most requests to a gateway guest never do.
    wasi: Option<WasiCtx>,
    http: WasiHttpCtx,
    outbound: Outbound,
    pub(crate) memory: Memory,
    common: Arc<Common>,
    pub(crate) tag: Tag,
    /// Who else is in this instance, when it answers several at once.
    pub(crate) roll: Option<Arc<Roll>>,
}

/// Makes a store with every bound in place. `tag` says for whom the guest prints.
pub(crate) fn new(engine: &Engine, common: &Arc<Common>, tag: &Tag) -> Store<State> {
    let limits = &common.settings.limits;
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES_MAX);
    let state = State {
        table,
        wasi: None,
        http: WasiHttpCtx::new(),
        outbound: Outbound::new(&common.log, tag, Upkeep::new(common.settings.instances.concurrent_max)),
        memory: Memory::new(limits.memory_bytes_max, &common.account),
        common: common.clone(),
        tag: tag.clone(),
        roll: None,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    // A guest that computes gives way to everyone else at every tick of the clock. tokio's own `yield_now` lets the I/O
    // driver run before the guest goes on; wasmtime's plain yield wakes itself at once and starves it.
    store.epoch_deadline_callback(|mut store| {
        if let Some(roll) = store.data().roll.clone()
            && let Some(task) = store.async_call_stack()?.last()
        {
            roll.computes(task);
        }
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

/// Makes a store ready for another request of its instance.
pub(crate) fn renew(store: &mut Store<State>, tag: &Tag) {
    let state = store.data_mut();
    state.tag.set(tag);
    state.memory.refused_by = None;
    state.outbound.upkeep.renew(&mut state.table);
    store.set_epoch_deadline(1);
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let State { wasi, table, common, tag, .. } = self;
        let ctx = wasi.get_or_insert_with(|| wasi::attach(&common.settings.environment, &common.log, tag));
        WasiCtxView { ctx, table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http.set_field_size_limit(self.outbound.upkeep.fields_bytes_max(&mut self.table));
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

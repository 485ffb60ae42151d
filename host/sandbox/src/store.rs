//! What one instance has to itself: its store, with everything that dies with it.

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use wasmtime::Engine;
use wasmtime::Store;
use wasmtime::UpdateDeadline;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpView;

use crate::capability::files::Attached;
use crate::capability::files::Filing;
use crate::capability::files::Grant;
use crate::capability::outbound::Outbound;
use crate::capability::wasi;
use crate::fault::Fault;
use crate::idle::Idle;
use crate::member::Roll;
use crate::memory::Account;
use crate::memory::Memory;
use crate::output::GuestLog;
use crate::settings::GuestSettings;
use crate::tag::Tag;
use crate::turns;
use crate::upkeep::Upkeep;

/// Host resources that one instance may hold at once (streams, fields, pollables …).
const RESOURCES_MAX: usize = 10_000;

/// What the instances of one guest have in common.
pub(crate) struct Common {
    pub(crate) settings: GuestSettings,
    /// The folders that its instances see, if they see any.
    pub(crate) files: Option<Grant>,
    pub(crate) log: Arc<GuestLog>,
    /// The memory of its instances together.
    pub(crate) account: Arc<Account>,
    /// Those instances of all guests that wait for a request.
    pub(crate) idle: Arc<Idle>,
    /// Tracks what goes on without a visitor.
    pub(crate) tasks: TaskTracker,
}

impl Common {
    /// The same for a first instance that nobody has asked for: what it sees in place of folders that are kept is `seen`.
    pub(crate) fn for_probe(common: &Arc<Common>, seen: impl FnOnce(&Grant) -> Grant) -> Arc<Common> {
        let Some(files) = &common.files else {
            return common.clone();
        };
        let Common { settings, log, account, idle, tasks, .. } = &**common;
        Arc::new(Common {
            settings: settings.clone(),
            files: Some(seen(files)),
            log: log.clone(),
            account: account.clone(),
            idle: idle.clone(),
            tasks: tasks.clone(),
        })
    }
}

/// The data of one store.
pub(crate) struct State {
    table: ResourceTable,
    /// Made when the guest first asks: most requests to a gateway guest never do. One that sees folders has it from the start.
    wasi: Option<WasiCtx>,
    /// The folders that the guest sees.
    files: Option<Box<Attached>>,
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
        files: None,
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
        turns::interrupt();
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

/// Gives a guest that has not run yet the folders that it sees.
pub(crate) async fn furnish(store: &mut Store<State>) -> Result<(), Fault> {
    let common = store.data().common.clone();
    let Some(grant) = &common.files else {
        return Ok(());
    };
    let (builder, memory) = (store.data().wasi_builder(), common.account.clone());
    let attached = grant.attach(builder, memory, &common.tasks).await;
    let (wasi, files) = attached.map_err(|error| Fault::Full(format!("its folders cannot be made: {error}")))?;
    let state = store.data_mut();
    (state.wasi, state.files) = (Some(wasi), Some(Box::new(files)));
    Ok(())
}

/// Makes a store ready for another request of its instance.
pub(crate) fn renew(store: &mut Store<State>, tag: &Tag) {
    let state = store.data_mut();
    state.tag.set(tag);
    state.memory.refused_by = None;
    state.outbound.upkeep.renew(&mut state.table);
    store.set_epoch_deadline(1);
}

impl State {
    fn wasi_builder(&self) -> WasiCtxBuilder {
        wasi::attach(&self.common.settings.environment, &self.common.log, &self.tag)
    }

    /// Its request is over: what it has closed is no longer counted.
    pub(crate) fn rest(&mut self) {
        if let Some(files) = &mut self.files {
            files.handles.forget_closed();
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        if self.wasi.is_none() {
            self.wasi = Some(self.wasi_builder().build());
        }
        let State { wasi, table, .. } = self;
        WasiCtxView { ctx: wasi.as_mut().expect("it was made above"), table }
    }
}

impl Filing for State {
    fn files(&mut self) -> Option<&mut Attached> {
        self.files.as_deref_mut()
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http.set_field_size_limit(self.outbound.upkeep.fields_bytes_max(&mut self.table));
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

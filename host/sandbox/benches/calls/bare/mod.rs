//! wasmtime alone: the same components in the same pool, with no bound, or with the sandbox's bounds set by hand.

pub mod gateway;
pub mod http02;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use criterion::Criterion;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use wasmtime::Config;
use wasmtime::Enabled;
use wasmtime::Engine;
use wasmtime::InstanceAllocationStrategy;
use wasmtime::PoolingAllocationConfig;
use wasmtime::Store;
use wasmtime::StoreLimits;
use wasmtime::StoreLimitsBuilder;
use wasmtime::UpdateDeadline;
use wasmtime::component::Component;
use wasmtime::component::InstancePre;
use wasmtime::component::Linker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpView;

use crate::bare::http02::NoWayOut;
use crate::row;

/// Whether a guest has bounds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    Off,
    On,
}

/// How a component of one lane is instantiated and asked.
pub trait Door: Sized + 'static {
    /// An instance's exports.
    type Exports;

    fn new(linked: InstancePre<State>) -> wasmtime::Result<Self>;

    async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Self::Exports>;

    async fn ask(store: &mut Store<State>, exports: &Self::Exports) -> wasmtime::Result<()>;
}

/// A component, ready to be instantiated.
pub struct Bare<D> {
    engine: Engine,
    door: D,
    bounds: Bounds,
    _ticks: Option<Ticks>,
}

/// The data of a store. As in the sandbox, nothing is made that a guest does not ask for.
pub struct State {
    table: ResourceTable,
    wasi: Option<WasiCtx>,
    http: WasiHttpCtx,
    way_out: NoWayOut,
    limits: StoreLimits,
}

pub fn rows<D: Door>(criterion: &mut Criterion, runtime: &Runtime, title: &str, bare: &Bare<D>) {
    row(criterion, runtime, &format!("instantiate/{title}"), async || {
        let mut store = bare.store();
        bare.within(bare.door.instantiate(&mut store)).await.expect("a guest app can be instantiated");
    });
    row(criterion, runtime, &format!("fresh/{title}"), async || {
        let mut store = bare.store();
        let asked = async {
            let exports = bare.door.instantiate(&mut store).await?;
            D::ask(&mut store, &exports).await
        };
        bare.within(asked).await.expect("a guest app answers");
    });
    let mut store = bare.store();
    let exports = runtime.block_on(bare.door.instantiate(&mut store)).expect("a guest app can be instantiated");
    row(criterion, runtime, &format!("reused/{title}"), async || {
        store.set_epoch_deadline(1);
        bare.within(D::ask(&mut store, &exports)).await.expect("a guest app answers");
    });
}

impl<D: Door> Bare<D> {
    pub fn new(bytes: &[u8], bounds: Bounds) -> Bare<D> {
        let engine = engine(bounds).expect("the pool can be reserved");
        let door = link(&engine, bytes).and_then(D::new).expect("a guest app links");
        let ticks = (bounds == Bounds::On).then(|| Ticks::start(engine.clone()));
        Bare { engine, door, bounds, _ticks: ticks }
    }

    fn store(&self) -> Store<State> {
        let mut table = ResourceTable::new();
        let limits = StoreLimitsBuilder::new().memory_size(128 << 20).table_elements(100_000).build();
        let on = self.bounds == Bounds::On;
        if on {
            table.set_max_capacity(10_000);
        }
        let state = State { table, wasi: None, http: WasiHttpCtx::new(), way_out: NoWayOut, limits };
        let mut store = Store::new(&self.engine, state);
        if on {
            store.limiter(|state| &mut state.limits);
            store.epoch_deadline_callback(|_| Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))));
            store.set_epoch_deadline(1);
            store.set_hostcall_fuel(17 << 20);
            store.set_max_component_handles(10_000);
        }
        store
    }

    /// Runs a guest, and with bounds counts its time and has a deadline for it.
    async fn within<T>(&self, guest: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
        if self.bounds == Bounds::Off {
            return guest.await;
        }
        let (mut guest, mut spent) = (pin!(guest), Duration::ZERO);
        let counted = std::future::poll_fn(|context| {
            let begun = Instant::now();
            let polled = guest.as_mut().poll(context);
            spent += begun.elapsed();
            match polled {
                Poll::Pending if spent > Duration::from_secs(30) => panic!("a guest app computes for ever"),
                polled => polled,
            }
        });
        tokio::time::timeout(Duration::from_secs(30), counted).await.expect("a guest app answers in time")
    }
}

fn link(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<InstancePre<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    linker.instantiate_pre(&Component::new(engine, bytes)?)
}

/// The sandbox's engine for plain components (`host/sandbox/src/engine/target.rs`, `host/sandbox/src/engine/mod.rs`).
fn engine(bounds: Bounds) -> wasmtime::Result<Engine> {
    const INSTANCES: u32 = 144;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 50)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * 4)
        .total_stacks(INSTANCES)
        .table_elements(20_000)
        .max_memory_size(128 << 20)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .wasm_component_model_async(false)
        .epoch_interruption(bounds == Bounds::On)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// A clock that ticks every millisecond, for as long as this lives.
struct Ticks {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticks {
    fn start(engine: Engine) -> Ticks {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = stopped.clone();
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
                engine.increment_epoch();
            }
        });
        Ticks { stopped, thread: Some(thread) }
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the clock does not panic");
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| WasiCtx::builder().build());
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.way_out }
    }
}

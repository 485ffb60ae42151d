//! What every capability is: the same life, from the settings of the host to the end of an instance.

use std::sync::Arc;

use guesthouse_component::inspect::Class;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use wasmtime::component::Linker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpView;

use crate::bounds::log_context::LogContext;
use crate::bounds::memory::Account;
use crate::bounds::output::GuestLog;
use crate::capability::offered::Offered;
use crate::console::Console;
use crate::fault::Fault;

/// Something of the host that a guest may be granted. What has a default below is for those that need it.
pub(crate) trait Capability: Sized + 'static {
    /// What the operator sets once, for the whole host.
    type HostSettings;

    /// What all guests of the host share.
    type Shared;

    /// What one guest is to be granted.
    type Settings;

    /// What one guest was granted.
    type Grant: Clone;

    /// What one instance has. Most guests use little of what they might: nothing is allocated here before it is needed.
    type Attached;

    /// The interfaces behind which it stands, in the versions that are linked.
    const OFFERS: &'static [Offered];

    /// Once per host.
    fn share(settings: &Self::HostSettings) -> Self::Shared;

    /// Once per engine: links all interfaces, whatever is granted later, so that any component starts.
    fn link<T: Has<Self> + WasiView + WasiHttpView>(linker: &mut Linker<T>, class: Class) -> wasmtime::Result<()>;

    /// Once per app; by the default settings nothing is granted. The error is a sentence for the operator. Blocks.
    fn grant(shared: &Self::Shared, settings: &Self::Settings) -> Result<Self::Grant, String>;

    /// What of the grant outlives an instance, if anything does.
    fn kept(grant: &Self::Grant) -> Option<Kept<'_>>;

    /// The same for an instance that no visitor has asked for, which is to change nothing anywhere.
    fn for_probe(grant: &Self::Grant, probe: Probe) -> Self::Grant;

    /// When an instance needs its WASI context, which most never do: what is granted by means of it.
    fn configure(_grant: &Self::Grant, _wasi: &mut WasiCtxBuilder, _at: &Attaching<'_>) {}

    /// Once per instance.
    fn attach(grant: &Self::Grant, at: &Attaching<'_>) -> Self::Attached;

    /// Before an instance first runs: what takes time, or may fail. Whoever must have the WASI context by then puts it into
    /// `wasi`, if it is not there yet, made with the builder that all have configured.
    fn open(
        _grant: &Self::Grant,
        _attached: &mut Self::Attached,
        _wasi: &mut Option<WasiCtx>,
        _builder: impl FnOnce() -> WasiCtxBuilder + Send,
        _at: &Attaching<'_>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        std::future::ready(Ok(()))
    }

    /// After a request, of an instance that is reused: it may wait for long.
    fn rest(_attached: &mut Self::Attached) {}

    /// Before its next request. `things` is what it still holds.
    fn renew(_attached: &mut Self::Attached, _things: &mut ResourceTable) {}
}

/// A store in which the capability `C` is attached.
pub(crate) trait Has<C: Capability>: 'static {
    /// What its instance has of it.
    fn view(&mut self) -> View<'_, C>;
}

/// What the functions of a capability work on.
pub(crate) struct View<'store, C: Capability> {
    pub(crate) attached: &'store mut C::Attached,
    /// What the instance holds, by number: the resources of all interfaces.
    pub(crate) things: &'store mut ResourceTable,
}

/// What a capability may use of the guest to whose instance it is attached.
pub(crate) struct Attaching<'guest> {
    pub(crate) log: &'guest Arc<GuestLog>,
    pub(crate) log_context: &'guest LogContext,
    /// The memory of the guest's instances together.
    pub(crate) account: &'guest Arc<Account>,
    pub(crate) tasks: &'guest TaskTracker,
    /// Requests that the instance may answer at the same moment.
    pub(crate) concurrent_max: u32,
    /// Of an instance that runs a command: what stands in place of the log, and its arguments.
    pub(crate) console: Option<&'guest Console>,
}

/// What of a grant outlives instances.
pub(crate) struct Kept<'grant> {
    /// One permit, for whoever works on it alone.
    pub(crate) turn: &'grant Arc<Semaphore>,
    /// Whether every request works on it alone.
    pub(crate) one_at_a_time: bool,
}

impl Kept<'_> {
    /// Waits until nobody else works on it alone.
    pub(crate) async fn alone(&self) -> OwnedSemaphorePermit {
        self.turn.clone().acquire_owned().await.expect("the turn at what is kept is never closed")
    }
}

/// How a guest is tried: a revision that does not serve yet changes nothing.
#[derive(Clone, Copy)]
pub(crate) enum Probe {
    /// With something empty in place of what is kept.
    NothingKept,
    /// With what is kept, which cannot be written to.
    ReadOnly,
}

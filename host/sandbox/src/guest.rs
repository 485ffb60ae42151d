//! A guest that is ready to be called: compiled, linked, and given its limits and grants.

use std::sync::Arc;

use guesthouse_component::inspect::Lane;
use http::Method;
use http::Response;
use http_body::Body as _;
use wasmtime::component::InstancePre;

use crate::bounds::clock::Clock;
use crate::bounds::compute::ComputePermits;
use crate::bounds::deadline;
use crate::bounds::log_context::LogContext;
use crate::capability::contract::Probe;
use crate::command::CommandError;
use crate::command::Runner;
use crate::console::Command;
use crate::console::Console;
use crate::fault::Fault;
use crate::fault::TEXT_BYTES_MAX;
use crate::health::Health;
use crate::instances::call::Call;
use crate::instances::call::RequestGuard;
use crate::instances::instance::InstanceFactory;
use crate::instances::instance::InstanceSource;
use crate::instances::response::GuestBody;
use crate::instances::store;
use crate::instances::store::Common;
use crate::instances::store::State;
use crate::lane::gateway;
use crate::lane::gateway::Gateway;
use crate::lane::http02::Http02;
use crate::lane::http03::Http03;
use crate::request::GuestRequest;
use crate::request::Received;

/// A guest, one step before an instance. Every call makes an instance of its own and drops it, unless the guest's
/// settings say that instances are reused.
pub struct Guest {
    lane: Prepared,
    /// What says whether it is well, if it says so.
    health: Option<Health>,
    /// What runs commands of its own, if it can.
    runner: Option<Runner>,
    common: Arc<Common>,
    clock: Arc<Clock>,
    turns: ComputePermits,
}

/// A guest's exports, ready to be instantiated.
enum Prepared {
    Gateway(Gateway),
    Http02(Http02),
    Http03(Http03),
}

impl Guest {
    pub(crate) fn new(
        lane: Lane,
        linked: InstancePre<State>,
        common: Common,
        clock: Arc<Clock>,
    ) -> wasmtime::Result<Guest> {
        let common = Arc::new(common);
        let (health, runner) = (Health::of(&linked), Runner::of(&linked));
        let lane = match lane {
            Lane::Gateway => Prepared::Gateway(Gateway::new(linked, &common)?),
            Lane::Http02 => Prepared::Http02(Http02::new(linked, &common)?),
            Lane::Http03 => Prepared::Http03(Http03::new(linked, &common)?),
        };
        Ok(Guest { lane, health, runner, common, clock, turns: ComputePermits::new() })
    }

    /// Makes an instance and drops it again; asks a guest that exports `lifecycle` for its health, which is where apps that
    /// start with their first request start. A new revision that fails here is not published.
    pub async fn probe(&self) -> Result<(), Fault> {
        let _ticking = self.clock.ticking();
        let common = Common::for_probe(&self.common, Probe::NothingKept);
        let Some(health) = &self.health else { return self.instantiate().await };
        let Err(first) = ask(health, &common, TEXT_BYTES_MAX).await else { return Ok(()) };
        // Without its state it is not well; it may be with it, and changes nothing there.
        let head = self.common.settings.limits.head;
        let mut turns = Vec::new();
        for kept in self.common.grants.kept() {
            let Ok(turn) = tokio::time::timeout(head, kept.alone()).await else { return Err(first) };
            turns.push(turn);
        }
        if turns.is_empty() {
            return Err(first);
        }
        ask(health, &Common::for_probe(&self.common, Probe::ReadOnly), TEXT_BYTES_MAX).await.map_err(|_| first)
    }

    /// Makes an instance and drops it again, and asks it nothing.
    pub async fn instantiate(&self) -> Result<(), Fault> {
        let _ticking = self.clock.ticking();
        let common = Common::for_probe(&self.common, Probe::NothingKept);
        match &self.lane {
            Prepared::Gateway(guest) => try_out(guest.factory(), &common).await,
            Prepared::Http02(guest) => try_out(guest.factory(), &common).await,
            Prepared::Http03(guest) => try_out(guest.factory(), &common).await,
        }
    }

    /// Asks a new instance for its health where a request would be: with its state as it is, and in its turn. What it says
    /// against itself is kept at length, for its author.
    pub async fn try_as_it_is(&self) -> Result<(), Fault> {
        let Some(health) = &self.health else { return self.instantiate().await };
        let _turn = self.alone_with_state(Box::new(())).await?;
        let _ticking = self.clock.ticking();
        ask(health, &self.common, TRACE_BYTES_MAX).await
    }

    /// Whether it says by itself if it is well, before its first request.
    pub fn tells_health(&self) -> bool {
        self.health.is_some()
    }

    /// Whether it is called with a request's whole body.
    pub fn is_called_with_whole_requests(&self) -> bool {
        matches!(self.lane, Prepared::Gateway(_))
    }

    /// Whether one request at a time works on its state, so that one that is slow to arrive would keep others waiting.
    pub fn works_alone(&self) -> bool {
        self.common.grants.kept().any(|kept| kept.one_at_a_time)
    }

    /// Takes in what a request must have before its guest is called: in the gateway lane its whole body.
    pub async fn receive(&self, request: GuestRequest) -> Result<Received, Fault> {
        match &self.lane {
            Prepared::Gateway(_) if !request.body.is_end_stream() => {
                Box::pin(gateway::receive(request, &self.common.account)).await
            }
            Prepared::Gateway(_) | Prepared::Http02(_) | Prepared::Http03(_) => Ok(Received { request, body: None }),
        }
    }

    /// From now on, requests get instances that are made after this; whoever is in an older one is answered by it.
    pub fn forget_instances(&self) {
        match &self.lane {
            Prepared::Gateway(guest) => guest.forget(),
            Prepared::Http02(guest) => guest.forget(),
            Prepared::Http03(guest) => guest.forget(),
        }
    }

    /// Calls the guest with one request. `guard` lives for as long as the guest is at work on it.
    ///
    /// Dropping the future, or the response's body, ends the guest. Cancelling is safe at any point.
    pub async fn call(&self, received: Received, guard: RequestGuard) -> Result<Response<GuestBody>, Fault> {
        let guard = self.alone_with_state(guard).await?;
        let turn = if self.shares_instances() { None } else { self.turns.next().await };
        let log_context = LogContext::at_depth(received.request.id.clone(), received.request.depth);
        let is_head = received.request.method == Method::HEAD;
        let held = Some((self.clock.ticking(), guard));
        let call = Call { common: self.common.clone(), log_context, is_head, turn, held };
        match &self.lane {
            Prepared::Gateway(guest) => guest.call(received, call).await,
            Prepared::Http02(guest) => guest.call(received.request, call).await,
            Prepared::Http03(guest) => guest.call(received.request, call).await,
        }
    }

    /// Runs a command of the guest's own in a new instance, alone with its state where requests are, and says the exit code.
    /// Only memory and folders bound it: whoever waits for it drops the future, which ends the guest.
    pub async fn run(&self, command: Command, guard: RequestGuard) -> Result<u8, CommandError> {
        let Some(runner) = &self.runner else { return Err(CommandError::NoCommands) };
        let _guard = self.alone_with_state(guard).await?;
        let _ticking = self.clock.ticking();
        let common = Common::for_command(&self.common, Console::of(command));
        let store = store::new(runner.engine(), &common, &LogContext::new(COMMAND));
        Ok(runner.run(store).await?)
    }

    /// Whether requests go into instances that answer others meanwhile.
    fn shares_instances(&self) -> bool {
        matches!(&self.lane, Prepared::Http03(guest) if guest.shares_instances())
    }

    /// Waits until nobody else works on the guest's state, if only one may, whatever their revision.
    async fn alone_with_state(&self, mut guard: RequestGuard) -> Result<RequestGuard, Fault> {
        let head = self.common.settings.limits.head;
        for kept in self.common.grants.kept().filter(|kept| kept.one_at_a_time) {
            let Ok(turn) = tokio::time::timeout(head, kept.alone()).await else {
                return Err(Fault::Full(format!("another request has been at work on the app's state for {head:?}")));
            };
            guard = Box::new((guard, turn));
        }
        Ok(guard)
    }
}

async fn ask(health: &Health, common: &Arc<Common>, said_bytes_max: usize) -> Result<(), Fault> {
    let store = store::new(health.engine(), common, &LogContext::new(PROBE));
    deadline::within(health.ask(store, said_bytes_max), &common.settings.limits, None).await
}

async fn try_out<M: InstanceFactory + Clone>(factory: &M, common: &Arc<Common>) -> Result<(), Fault> {
    let (start, factory) =
        (InstanceSource::new(None, factory.engine(), common, &LogContext::new(PROBE)), factory.clone());
    let made = Box::pin(async move { start.instance(&factory).await.map(drop) });
    deadline::within(made, &common.settings.limits, None).await
}

/// What an author is shown of a traceback.
const TRACE_BYTES_MAX: usize = 64 << 10;

/// What a guest prints in its first instance is tagged with this instead of a request's id.
const PROBE: &str = "probe";

/// What the host has to say of a command is tagged with this.
const COMMAND: &str = "command";

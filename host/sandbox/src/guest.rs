//! A guest that is ready to be called: compiled, linked, and given its limits and grants.

use std::sync::Arc;

use guesthouse_component::inspect::Lane;
use http::Method;
use http::Response;
use http_body::Body as _;
use wasmtime::component::InstancePre;

use crate::capability::files::Grant;
use crate::clock::Clock;
use crate::deadline;
use crate::fault::Fault;
use crate::health::Health;
use crate::instance::Mould;
use crate::instance::Start;
use crate::lane::gateway;
use crate::lane::gateway::Gateway;
use crate::lane::http02::Http02;
use crate::lane::http03::Http03;
use crate::request::GuestRequest;
use crate::request::Received;
use crate::response::GuestBody;
use crate::store;
use crate::store::Common;
use crate::store::State;
use crate::tag::Tag;
use crate::turns::Turns;
use crate::visit::Stay;
use crate::visit::Visit;

/// A guest, one step before an instance. Every call makes an instance of its own and drops it, unless the guest's
/// settings say that instances are reused.
pub struct Guest {
    lane: Prepared,
    /// What says whether it is well, if it says so.
    health: Option<Health>,
    common: Arc<Common>,
    clock: Arc<Clock>,
    turns: Turns,
}

/// A guest's door, ready to be instantiated.
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
        let health = Health::of(&linked);
        let lane = match lane {
            Lane::Gateway => Prepared::Gateway(Gateway::new(linked, &common)?),
            Lane::Http02 => Prepared::Http02(Http02::new(linked, &common)?),
            Lane::Http03 => Prepared::Http03(Http03::new(linked, &common)?),
        };
        Ok(Guest { lane, health, common, clock, turns: Turns::new() })
    }

    /// Makes an instance and drops it again; asks a guest that exports `lifecycle` for its health, which is where apps that
    /// start with their first request start. A new revision that fails here is not published.
    pub async fn probe(&self) -> Result<(), Fault> {
        let _ticking = self.clock.ticking();
        let common = Common::for_probe(&self.common, Grant::with_nothing_kept);
        let Some(health) = &self.health else {
            return match &self.lane {
                Prepared::Gateway(guest) => try_out(guest.mould(), &common).await,
                Prepared::Http02(guest) => try_out(guest.mould(), &common).await,
                Prepared::Http03(guest) => try_out(guest.mould(), &common).await,
            };
        };
        let Err(first) = ask(health, &common).await else { return Ok(()) };
        let Some(depot) = self.common.files.as_ref().and_then(Grant::kept) else { return Err(first) };
        // Without its state it is not well; it may be with it, and changes nothing there.
        let head = self.common.settings.limits.head;
        let Ok(_turn) = tokio::time::timeout(head, depot.turn()).await else { return Err(first) };
        ask(health, &Common::for_probe(&self.common, Grant::read_only)).await.map_err(|_| first)
    }

    /// Whether it says by itself if it is well, before its first request.
    pub fn tells_health(&self) -> bool {
        self.health.is_some()
    }

    /// Takes in what a request must have before its guest is called: in the gateway lane its whole body. A visitor who
    /// sends slowly so holds no permit and no instance.
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

    /// Calls the guest with one request. `stay` lives for as long as the guest is at work on it.
    ///
    /// Dropping the future, or the response's body, ends the guest. Cancelling is safe at any point.
    pub async fn call(&self, received: Received, stay: Stay) -> Result<Response<GuestBody>, Fault> {
        let stay = self.alone_with_state(stay).await?;
        let turn = if self.shares_instances() { None } else { self.turns.next().await };
        let tag = Tag::new(received.request.id.clone());
        let is_head = received.request.method == Method::HEAD;
        let held = Some((self.clock.ticking(), stay));
        let visit = Visit { common: self.common.clone(), tag, is_head, turn, held };
        match &self.lane {
            Prepared::Gateway(guest) => guest.call(received, visit).await,
            Prepared::Http02(guest) => guest.call(received.request, visit).await,
            Prepared::Http03(guest) => guest.call(received.request, visit).await,
        }
    }

    /// Whether requests go into instances that answer others meanwhile.
    fn shares_instances(&self) -> bool {
        matches!(&self.lane, Prepared::Http03(guest) if guest.shares_instances())
    }

    /// Waits until nobody else works on the guest's state, if only one may, whatever their revision.
    async fn alone_with_state(&self, stay: Stay) -> Result<Stay, Fault> {
        let Some(depot) = self.common.files.as_ref().and_then(Grant::one_at_a_time) else {
            return Ok(stay);
        };
        let head = self.common.settings.limits.head;
        match tokio::time::timeout(head, depot.turn()).await {
            Ok(turn) => Ok(Box::new((stay, turn))),
            Err(_) => Err(Fault::Full(format!("another request has been at work on the app's state for {head:?}"))),
        }
    }
}

async fn ask(health: &Health, common: &Arc<Common>) -> Result<(), Fault> {
    let store = store::new(health.engine(), common, &Tag::new(PROBE));
    deadline::within(health.ask(store), &common.settings.limits, None).await
}

async fn try_out<M: Mould + Clone>(mould: &M, common: &Arc<Common>) -> Result<(), Fault> {
    let (start, mould) = (Start::new(None, mould.engine(), common, &Tag::new(PROBE)), mould.clone());
    let made = Box::pin(async move { start.instance(&mould).await.map(drop) });
    deadline::within(made, &common.settings.limits, None).await
}

/// What a guest prints in its first instance is tagged with this instead of a request's id.
const PROBE: &str = "probe";

//! The life of one app: what serves, what is newest, and what is being done about it.

use std::path::Path;
use std::time::Duration;

use guesthouse_types::name::Revision;
use guesthouse_types::route::Declared;
use tokio::time::Instant;

use crate::manifest_guard::Guard;
use crate::reason::Reason;
use crate::reason::ReasonCode;
use crate::status::AppState;
use crate::watch::scan::FileStamp;
use crate::watch::scan::FoundFile;
use crate::watch::settle::Settle;

/// The first time that something pending is looked at again; doubled each time.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// The longest time between two looks at something pending.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// One app. `G` is what serves: an `Arc<App>`, or a stand-in where the decisions themselves are tested.
#[derive(Clone, Debug)]
pub struct TrackedApp<G> {
    /// Its files, as last seen.
    pub seen: Option<(FoundFile, Option<FoundFile>)>,
    /// What its last manifest kept back: while it is away, nothing is published.
    pub guard: Guard,
    /// By what that manifest was known when it was read; `None` if an earlier run read it.
    pub guard_of: Option<FileStamp>,
    /// Names of what stands before it, as its manifest was last read.
    pub before: Vec<String>,
    /// Whether they have stood still.
    pub settle: Settle,
    /// Whether a change of them is waited out.
    pub is_settling: bool,
    /// Since when they are not in the folder.
    pub gone_since: Option<Instant>,
    /// The newest content that was read.
    pub newest: Option<Revision>,
    /// What was decided about it.
    pub decision: Option<Decision>,
    /// What serves.
    pub live: Option<Ready<G>>,
    /// What could serve, but for a route that another app holds.
    pub held: Option<Ready<G>>,
    /// What is made ready whatever becomes of the newest content: what served last in an earlier run, or what serves as
    /// an earlier policy allowed it. Until something is published.
    pub last_good: Option<Revision>,
    /// When that is tried again, and how often it was.
    pub last_good_retry: Retry,
    /// What served before, compiled.
    pub standby: Option<Revision>,
    /// The newest content that was refused: it is not tried again.
    pub refused: Option<(Revision, Reason)>,
    /// The read under way.
    pub reading: Option<PendingRead>,
    /// The revisions that are being made ready.
    pub jobs: Vec<PrepareJob>,
    /// Whether one of them was given up for newer content since something was published or refused.
    pub gave_up: bool,
    /// When something pending is looked at again, and how often it was.
    pub retry: Retry,
    /// When the files were last read.
    pub read_at: Option<Instant>,
    /// When the change was first seen that is not decided yet.
    pub changed_at: Option<Instant>,
}

/// What was decided about an app's newest content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It serves.
    Live,
    /// It is not complete, or could not be tried.
    Pending(Reason),
    /// It will not be served.
    Refused(Reason),
    /// It wants a route that another app holds.
    Conflict(Reason),
}

/// A revision that can serve.
#[derive(Clone, Debug)]
pub struct Ready<G> {
    /// Its content.
    pub revision: Revision,
    /// The routes that it declares.
    pub routes: Vec<Declared>,
    /// What serves.
    pub guest: G,
}

/// A read under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingRead {
    /// Its number.
    pub serial: u64,
    /// By what the manifest is known that is read.
    pub manifest: Option<FileStamp>,
    /// Whether it only makes sure that nothing changed unseen.
    pub is_check: bool,
}

/// A revision that is being made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrepareJob {
    /// Its number.
    pub serial: u64,
    /// What is made ready.
    pub revision: Revision,
    /// Whether it comes to its end although there is newer content.
    pub stays: bool,
}

/// A next time for what met trouble, each time a while later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// When; `None` if it is not to be tried.
    pub at: Option<Instant>,
    /// How often it was.
    pub attempts: u32,
}

impl Retry {
    /// Tries it a while later, each time a longer one.
    pub fn later(&mut self, now: Instant) {
        let wait = RETRY_FIRST.saturating_mul(1 << self.attempts.min(10)).min(RETRY_MAX);
        self.attempts += 1;
        self.at = Some(now + wait);
    }
}

// Not derived: that would ask `G` for a default as well.
impl<G> Default for TrackedApp<G> {
    fn default() -> TrackedApp<G> {
        TrackedApp {
            seen: None,
            guard: Guard::default(),
            guard_of: None,
            before: Vec::new(),
            settle: Settle::default(),
            is_settling: false,
            gone_since: None,
            newest: None,
            decision: None,
            live: None,
            held: None,
            last_good: None,
            last_good_retry: Retry::default(),
            standby: None,
            refused: None,
            reading: None,
            jobs: Vec::new(),
            gave_up: false,
            retry: Retry::default(),
            read_at: None,
            changed_at: None,
        }
    }
}

impl<G> TrackedApp<G> {
    /// Where the newest content is in its life, and why.
    pub fn state(&self) -> (AppState, Option<Reason>) {
        let is_reading = self.reading.is_some_and(|reading| !reading.is_check);
        if self.is_settling {
            return (AppState::Settling, None);
        }
        if is_reading || !self.jobs.is_empty() {
            return (AppState::Loading, None);
        }
        match &self.decision {
            None => (AppState::Loading, None),
            Some(Decision::Live) => (AppState::Live, None),
            Some(Decision::Pending(why)) => (AppState::Pending, Some(why.clone())),
            Some(Decision::Refused(why)) => (AppState::Refused, Some(why.clone())),
            Some(Decision::Conflict(why)) => (AppState::Conflict, Some(why.clone())),
        }
    }

    /// Whether there is nothing under way any more.
    pub fn is_decided(&self) -> bool {
        self.decision.is_some() && !matches!(self.state().0, AppState::Settling | AppState::Loading)
    }

    /// The revision that serves.
    pub fn live_revision(&self) -> Option<Revision> {
        self.live.as_ref().map(|ready| ready.revision)
    }

    /// Revisions that need not be looked into when they are read again.
    pub fn known(&self) -> Vec<Revision> {
        let ready = [&self.live, &self.held].into_iter().flatten().map(|ready| ready.revision);
        let refused = self.refused.iter().map(|(revision, _)| *revision);
        ready.chain(refused).chain(self.jobs.iter().map(|job| job.revision)).collect()
    }

    /// When this app has to be looked at again.
    pub fn deadline(&self, removal_grace: Duration) -> Option<Instant> {
        if let Some(since) = self.gone_since {
            return Some(since + removal_grace);
        }
        let settled = if self.is_settling { self.settle.waits_until() } else { None };
        let retry = if self.reading.is_none() { self.retry.at } else { None };
        [settled, retry, self.last_good_retry.at].into_iter().flatten().min()
    }

    /// Why nothing is published of it as it lies there, if its manifest is away and is missed.
    pub fn misses_its_manifest(&self) -> Option<Reason> {
        let (code, manifest) = self.seen.as_ref()?;
        match manifest {
            Some(_) => None,
            None => {
                let why = self.guard.missed(&Path::new(&code.shown).with_extension("toml").display().to_string());
                why.map(|why| Reason::new(ReasonCode::ManifestMissing, why))
            }
        }
    }

    /// How the operator knows its file.
    pub fn shown<'a>(&'a self, name: &'a str) -> &'a str {
        self.seen.as_ref().map_or(name, |(code, _)| code.shown.as_str())
    }
}

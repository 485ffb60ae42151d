//! What is known of all apps, and what follows from what happens. Decisions only: no file, no task, no clock of its own.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use guesthouse_component::inspect::Inspection;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;
use tokio::time::Instant;

use crate::load::read::LoadRequest;
use crate::load::read::LoadResult;
use crate::load::read::Loaded;
use crate::manifest_guard::Guard;
use crate::reason::Failure;
use crate::reason::Reason;
use crate::reason::ReasonCode;
use crate::reconcile::event::Action;
use crate::reconcile::event::Event;
use crate::reconcile::event::PrepareResult;
use crate::reconcile::event::Published;
use crate::reconcile::event::Remembered;
use crate::reconcile::event::Rules;
use crate::reconcile::log;
use crate::reconcile::publish::RouteOwners;
use crate::reconcile::publish::find_conflict;
use crate::reconcile::publish::key;
use crate::reconcile::tracked_app::Decision;
use crate::reconcile::tracked_app::PendingRead;
use crate::reconcile::tracked_app::PrepareJob;
use crate::reconcile::tracked_app::Ready;
use crate::reconcile::tracked_app::Retry;
use crate::reconcile::tracked_app::TrackedApp;
use crate::watch::scan::FileStamp;
use crate::watch::scan::FoundApp;
use crate::watch::scan::FoundFile;
use crate::watch::scan::Scan;
use crate::watch::scan::SiblingFile;
use crate::watch::settle::Observation;
use crate::watch::settle::Settle;
use crate::watch::settle::Step;

/// All apps.
pub struct Reconciler<G> {
    rules: Rules,
    apps: BTreeMap<AppName, TrackedApp<G>>,
    /// Files that can be no app for their names, by path: why.
    invalid_names: BTreeMap<PathBuf, Reason>,
    unreadable: BTreeMap<PathBuf, Reason>,
    /// Every component of the last look, by path, and what was moved into place then.
    components: BTreeMap<PathBuf, Result<FoundFile, Reason>>,
    moved: HashSet<PathBuf>,
    owners: RouteOwners,
    device: Option<u64>,
    unseen: Option<String>,
    /// From an earlier run, until the first look at the folder.
    remembered: Option<BTreeMap<AppName, Remembered>>,
    /// What the first look found and is not decided yet.
    undecided: Option<BTreeSet<AppName>>,
    serial: u64,
    actions: Vec<Action<G>>,
    routes_changed: bool,
    records_changed: bool,
}

impl<G: Clone> Reconciler<G> {
    /// An empty reconciler, with what an earlier run left.
    pub fn new(
        rules: Rules,
        remembered: BTreeMap<AppName, Remembered>,
        owners: RouteOwners,
        device: Option<u64>,
    ) -> Reconciler<G> {
        Reconciler {
            rules,
            apps: BTreeMap::new(),
            invalid_names: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            components: BTreeMap::new(),
            moved: HashSet::new(),
            owners,
            device,
            unseen: None,
            remembered: Some(remembered),
            undecided: None,
            serial: 0,
            actions: Vec::new(),
            routes_changed: false,
            records_changed: false,
        }
    }

    /// Takes in one fact. What is to be done is taken with [`take_actions`](Reconciler::take_deeds).
    pub fn apply(&mut self, event: Event<G>, now: Instant) {
        match event {
            Event::Scanned { scan, moved } => self.scanned(scan, moved, now),
            Event::ScanFailed(why) => self.unseen(why, now),
            Event::Read(name, serial, found) => self.read(&name, serial, found, now),
            Event::Prepared(name, serial, made) => self.made(&name, serial, made, now),
            Event::Reconsider { policy_changed } => self.reconsider(policy_changed, now),
        }
        if let Some(undecided) = &mut self.undecided {
            undecided.retain(|name| self.apps.get(name).is_some_and(|tracked| !tracked.is_decided()));
        }
    }

    /// What is to be done, in order.
    pub fn take_actions(&mut self) -> Vec<Action<G>> {
        std::mem::take(&mut self.actions)
    }

    /// Whether the route table is out of date. Asked once for each time it is made.
    pub fn take_routes_changed(&mut self) -> bool {
        std::mem::take(&mut self.routes_changed)
    }

    /// Whether what is remembered across restarts is out of date. Asked once for each time it is written.
    pub fn take_records_changed(&mut self) -> bool {
        std::mem::take(&mut self.records_changed)
    }

    /// All apps.
    pub fn apps(&self) -> &BTreeMap<AppName, TrackedApp<G>> {
        &self.apps
    }

    /// What an earlier run left, until the folder was looked at for the first time.
    pub fn remembered(&self) -> Option<&BTreeMap<AppName, Remembered>> {
        self.remembered.as_ref()
    }

    /// Files that can be no app for their names.
    pub fn invalid_names(&self) -> &BTreeMap<PathBuf, Reason> {
        &self.invalid_names
    }

    /// Who holds which declared route.
    pub fn owners(&self) -> &RouteOwners {
        &self.owners
    }

    /// The device of the apps folder.
    pub fn device(&self) -> Option<u64> {
        self.device
    }

    /// Whether a read only makes sure that nothing changed unseen.
    pub fn is_check(&self, name: &AppName, serial: u64) -> bool {
        let reading = self.apps.get(name).and_then(|tracked| tracked.reading);
        reading.is_some_and(|reading| reading.serial == serial && reading.is_check)
    }

    /// Why the folder cannot be trusted at the moment.
    pub fn unseen_why(&self) -> Option<&str> {
        self.unseen.as_deref()
    }

    /// Whether everything that the first look found is decided.
    pub fn is_ready(&self) -> bool {
        self.undecided.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// When the folder has to be looked at without any event.
    pub fn deadline(&self) -> Option<Instant> {
        if self.unseen.is_some() {
            return None;
        }
        self.apps.values().filter_map(|tracked| tracked.deadline(self.rules.removal_grace)).min()
    }

    fn scanned(&mut self, scan: Scan, moved: HashSet<PathBuf>, now: Instant) {
        let is_elsewhere = self.device.is_some_and(|device| device != scan.device);
        let knows_apps = !self.apps.is_empty() || self.remembered.as_ref().is_some_and(|known| !known.is_empty());
        if scan.is_empty && is_elsewhere && knows_apps {
            return self.unseen("it is empty, and on another device than before: is it mounted?".to_owned(), now);
        }
        self.unseen = None;
        self.records_changed |= self.device != Some(scan.device);
        self.device = Some(scan.device);
        log::new_reasons(&self.invalid_names, &scan.refusals, "refused");
        log::new_reasons(&self.unreadable, &scan.unreadable, "cannot be looked into");
        self.invalid_names = scan.refusals;
        self.unreadable = scan.unreadable;
        self.components = scan.components;
        self.moved = moved;
        let is_there = |name: &AppName| scan.apps.contains_key(name) || hidden(&self.unreadable, name);
        if let Some(mut remembered) = self.remembered.take() {
            // What was deleted while we were away is not brought back.
            self.records_changed |= remembered.keys().any(|name| !is_there(name));
            remembered.retain(|name, _| is_there(name));
            // Nor does it hold a route, should another file come under its name.
            self.owners.retain(|_, holder| remembered.contains_key(holder));
            self.restore(remembered);
        }
        let gone: Vec<AppName> = self.apps.keys().filter(|name| !scan.apps.contains_key(name)).cloned().collect();
        for (name, found) in scan.apps {
            self.routes_changed |= !self.apps.contains_key(&name);
            self.found(&name, found, now);
        }
        for name in gone {
            self.not_found(&name, now);
        }
        // Only now: what waits for the route of an app that is gone may be gone as well.
        self.offer_held(now);
        self.retry_last_good(now);
        self.undecided.get_or_insert_with(|| self.apps.keys().cloned().collect());
    }

    fn unseen(&mut self, why: String, now: Instant) {
        self.unseen = Some(why);
        if let Some(remembered) = self.remembered.take() {
            self.restore(remembered);
        }
        for tracked in self.apps.values_mut() {
            tracked.gone_since = None;
        }
        self.retry_last_good(now);
        let at_work = || self.apps.iter().filter(|(_, tracked)| !tracked.jobs.is_empty());
        self.undecided.get_or_insert_with(|| at_work().map(|(name, _)| name.clone()).collect());
    }

    /// The last good revisions serve at once, while the newest content is looked at.
    fn restore(&mut self, remembered: BTreeMap<AppName, Remembered>) {
        for (name, known) in remembered {
            let tracked = self.apps.entry(name.clone()).or_default();
            tracked.last_good = known.live;
            tracked.standby = known.standby;
            tracked.refused = known.refused;
            tracked.guard = known.guard;
            self.routes_changed = true;
            if let Some(revision) = known.live {
                self.make(&name, revision, None);
            }
        }
    }

    fn retry_last_good(&mut self, now: Instant) {
        let due = |tracked: &TrackedApp<G>| {
            tracked.last_good.filter(|_| tracked.last_good_retry.at.is_some_and(|at| at <= now))
        };
        let due: Vec<_> = self.apps.iter().filter_map(|(name, tracked)| Some((name.clone(), due(tracked)?))).collect();
        for (name, revision) in due {
            self.make_last_good(&name, revision);
        }
    }

    fn make_last_good(&mut self, name: &AppName, revision: Revision) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        tracked.last_good_retry.at = None;
        if tracked.jobs.iter().all(|job| job.revision != revision) {
            self.make(name, revision, None);
        }
    }

    fn found(&mut self, name: &AppName, found: FoundApp, now: Instant) {
        let tracked = self.apps.entry(name.clone()).or_default();
        tracked.gone_since = None;
        if let Some(manifest) = &found.manifest {
            let stamp: Option<FileStamp> = manifest.as_ref().ok().map(|manifest| manifest.stamp);
            // It may be gone again before it is read.
            if (stamp.is_none() || stamp != tracked.guard_of) && tracked.guard != Guard::Unread {
                tracked.guard = Guard::Unread;
                self.records_changed = true;
            }
        }
        let (code, manifest) = match found.files() {
            Ok(files) => files,
            Err(why) => {
                // Whatever comes next under this name is new.
                tracked.settle = Settle::default();
                tracked.is_settling = false;
                return self.decide(name, None, Decision::Refused(why));
            }
        };
        self.look(name, code, manifest, now);
    }

    /// Whether its files have stood still.
    fn look(&mut self, name: &AppName, code: FoundFile, manifest: Option<FoundFile>, now: Instant) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        let moved = &self.moved;
        let is_moved = |path: &Path| !moved.is_empty() && path.ancestors().any(|part| moved.contains(part));
        let Rules { settle, removal_grace, .. } = self.rules;
        let look = Observation { now, settle, removal_grace, moved: &is_moved };
        let before = beside(&self.components, name, &tracked.before);
        let step = tracked.settle.look(&code, manifest.as_ref(), &before, look);
        tracked.seen = Some((code, manifest));
        tracked.is_settling = matches!(step, Step::Wait(_));
        match step {
            Step::Wait(_) => {
                tracked.changed_at.get_or_insert(now);
                // It is read once it stands still. A retry that is due before would be due again after every look.
                tracked.retry.at = None;
            }
            Step::Read => {
                tracked.changed_at.get_or_insert(now);
                tracked.retry.attempts = 0;
                self.start_read(name, false, now);
            }
            Step::Idle if tracked.reading.is_some() => {}
            Step::Idle if tracked.retry.at.is_some_and(|at| at <= now) => self.start_read(name, false, now),
            Step::Idle => {
                if tracked.read_at.is_some_and(|at| now.duration_since(at) >= self.rules.check) {
                    self.start_read(name, true, now);
                }
            }
        }
    }

    fn not_found(&mut self, name: &AppName, now: Instant) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        tracked.is_settling = false;
        if hidden(&self.unreadable, name) {
            // Neither gone nor to be looked at: whatever is there when it can be seen again is new.
            tracked.gone_since = None;
            tracked.retry.at = None;
            tracked.settle = Settle::default();
            if tracked.decision.is_none() && tracked.jobs.is_empty() && tracked.reading.is_none() {
                let why = Reason::new(ReasonCode::Unreadable, "nobody can look into its folder at the moment");
                self.decide(name, None, Decision::Pending(why));
            }
            return;
        }
        let since = *tracked.gone_since.get_or_insert(now);
        if now.duration_since(since) < self.rules.removal_grace {
            return;
        }
        self.supersede(name, Superseded::Everything);
        if let Some(tracked) = self.apps.remove(name) {
            tracing::info!(
                target: "guesthouse::deploy",
                { app.name = %name },
                "undeployed `{name}`: `{}` was removed",
                tracked.shown(name.as_str())
            );
            if let Some(ready) = tracked.live {
                self.actions.push(Action::Retire(ready));
            }
        }
        self.owners.retain(|_, holder| holder != name);
        self.actions.push(Action::Forget(name.clone()));
        self.routes_changed = true;
        self.records_changed = true;
    }

    /// Unless its manifest is missed: what lies there without it is not what is meant.
    fn start_read(&mut self, name: &AppName, is_check: bool, now: Instant) {
        self.serial += 1;
        let serial = self.serial;
        let bytes_max = self.rules.component_bytes_max;
        let Some(tracked) = self.apps.get_mut(name) else { return };
        if let Some(why) = tracked.misses_its_manifest() {
            tracked.reading = None;
            tracked.read_at = Some(now);
            tracked.retry.later(now);
            return self.decide(name, None, Decision::Pending(why));
        }
        let Some((code, manifest)) = tracked.seen.clone() else { return };
        let stamp = manifest.as_ref().map(|manifest| manifest.stamp);
        tracked.reading = Some(PendingRead { serial, manifest: stamp, is_check });
        tracked.retry.at = None;
        let before = beside(&self.components, name, &tracked.before);
        let order = LoadRequest { code, manifest, before, known: tracked.known(), bytes_max };
        self.actions.push(Action::Read(name.clone(), serial, Box::new(order)));
    }

    fn read(&mut self, name: &AppName, serial: u64, found: LoadResult, now: Instant) {
        let settle = self.rules.settle;
        let Some(tracked) = self.apps.get_mut(name) else { return };
        let Some(reading) = tracked.reading.take_if(|reading| reading.serial == serial) else { return };
        tracked.read_at = Some(now);
        let LoadResult { loaded, guard } = found;
        if let Some(guard) = guard {
            tracked.guard_of = reading.manifest;
            self.records_changed |= tracked.guard != guard;
            tracked.guard = guard;
        }
        match loaded {
            Loaded::Changed => {
                tracked.settle.again(now, settle);
                tracked.is_settling = true;
                tracked.changed_at.get_or_insert(now);
            }
            Loaded::Before(names) => {
                tracked.before = names;
                tracked.settle.once_more();
                if let Some((code, manifest)) = tracked.seen.clone() {
                    self.look(name, code, manifest, now);
                }
            }
            Loaded::Failed { failure: Failure::Retry(why), .. } => {
                tracked.retry.later(now);
                self.decide(name, None, Decision::Pending(why));
            }
            Loaded::Failed { revision, failure: Failure::Refused(why) } => self.refuse(name, revision, why),
            Loaded::Content { revision, inspection } => self.content(name, revision, inspection, now),
        }
    }

    fn content(&mut self, name: &AppName, revision: Revision, inspection: Option<Box<Inspection>>, now: Instant) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        tracked.newest = Some(revision);
        // Asked first: what serves may have been refused under a policy that came later.
        if let Some((_, why)) = tracked.refused.as_ref().filter(|(refused, _)| *refused == revision) {
            let why = why.clone();
            self.decide(name, Some(revision), Decision::Refused(why));
        } else if tracked.live_revision() == Some(revision) {
            self.decide(name, Some(revision), Decision::Live);
        } else if tracked.held.as_ref().is_some_and(|held| held.revision == revision) {
            if let Some(ready) = tracked.held.clone() {
                self.offer(name, ready, now);
            }
        } else {
            self.supersede(name, Superseded::Overtaken(Some(revision)));
            let is_made = |tracked: &TrackedApp<G>| tracked.jobs.iter().any(|job| job.revision == revision);
            if !self.apps.get(name).is_some_and(is_made) {
                self.make(name, revision, inspection);
            }
        }
    }

    fn make(&mut self, name: &AppName, revision: Revision, inspection: Option<Box<Inspection>>) {
        self.serial += 1;
        let serial = self.serial;
        let Some(tracked) = self.apps.get_mut(name) else { return };
        tracked.jobs.push(PrepareJob { serial, revision, stays: false });
        self.actions.push(Action::Prepare(name.clone(), serial, revision, inspection));
    }

    fn made(&mut self, name: &AppName, serial: u64, made: PrepareResult<G>, now: Instant) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        let Some(at) = tracked.jobs.iter().position(|job| job.serial == serial) else { return };
        let job = tracked.jobs.remove(at);
        let is_newest = tracked.newest == Some(job.revision);
        let is_last_good = tracked.last_good == Some(job.revision);
        let serves = tracked.live_revision() == Some(job.revision);
        let is_refused = matches!(made, Err(Failure::Refused(_)));
        if is_last_good && matches!(made, Err(Failure::Retry(_))) {
            tracked.last_good_retry.later(now);
        }
        match made {
            Ok(ready) if is_newest || is_last_good => self.offer(name, ready, now),
            Err(Failure::Refused(why)) if is_newest => self.refuse(name, Some(job.revision), why),
            made if job.stays && !is_newest && !is_last_good => self.overtaken(name, job.revision, made, now),
            Ok(_) => {}
            Err(Failure::Retry(why)) if is_newest && !serves => {
                tracked.retry.later(now);
                self.decide(name, Some(job.revision), Decision::Pending(why));
            }
            Err(Failure::Refused(why) | Failure::Retry(why)) => {
                if serves && is_refused {
                    // Another policy forbids it. When it is read again, it must not be taken for what may serve.
                    tracked.refused = Some((job.revision, why.clone()));
                    self.records_changed = true;
                }
                tracing::warn!(
                    target: "guesthouse::deploy",
                    {
                        app.name = %name,
                        app.revision = %job.revision,
                        reason.code = %why.code,
                        reason.blame = %why.blame(),
                    },
                    "`{name}`: the last good revision {} cannot {}: {why}",
                    job.revision,
                    if serves { "be made anew, and serves as it was made" } else { "serve" }
                );
                if tracked.newest.is_none() && tracked.reading.is_none() && tracked.decision.is_none() {
                    self.decide(name, None, Decision::Pending(why));
                }
            }
        }
    }

    /// There is newer content, and yet this came to its end: it serves until that is ready. Else nothing would be published
    /// for as long as somebody goes on dropping files.
    fn overtaken(&mut self, name: &AppName, revision: Revision, made: PrepareResult<G>, now: Instant) {
        let told = match made {
            Ok(ready) => match find_conflict(&ready.routes, name, &self.apps, &self.owners, &self.rules.origins) {
                None => {
                    self.publish(name, ready, now);
                    None
                }
                Some(why) => Some(("not live", Reason::new(ReasonCode::RouteConflict, why))),
            },
            Err(Failure::Refused(why)) => {
                if let Some(tracked) = self.apps.get_mut(name) {
                    tracked.refused = Some((revision, why.clone()));
                    self.records_changed = true;
                }
                Some(("refused", why))
            }
            // Nothing was found out about it.
            Err(Failure::Retry(_)) => return,
        };
        if let Some((word, why)) = told {
            tracing::warn!(
                target: "guesthouse::deploy",
                {
                    app.name = %name,
                    app.revision = %revision,
                    reason.code = %why.code,
                    reason.blame = %why.blame(),
                },
                "`{name}`: revision {revision}: {word}: {why}; there is newer content"
            );
        }
        let newest = self.apps.get(name).and_then(|tracked| tracked.newest);
        self.supersede(name, Superseded::Decided(newest));
    }

    /// Publishes what is ready, unless it wants what another app holds. What served before goes on with what is left to
    /// it, as it would have done without a restart or another policy.
    fn offer(&mut self, name: &AppName, ready: Ready<G>, now: Instant) {
        let conflict = find_conflict(&ready.routes, name, &self.apps, &self.owners, &self.rules.origins);
        let Some(tracked) = self.apps.get_mut(name) else { return };
        let conflict = conflict.filter(|_| tracked.last_good != Some(ready.revision));
        let Some(why) = conflict else { return self.publish(name, ready, now) };
        let revision = ready.revision;
        tracked.held = Some(ready);
        let why = Reason::new(ReasonCode::RouteConflict, why);
        self.decide(name, Some(revision), Decision::Conflict(why));
    }

    fn publish(&mut self, name: &AppName, ready: Ready<G>, now: Instant) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        let revision = ready.revision;
        let is_newest = tracked.newest == Some(revision);
        self.owners.retain(|_, holder| holder != name);
        self.owners.extend(ready.routes.iter().map(|route| (key(route), name.clone())));
        tracked.last_good_retry = Retry::default();
        let last_good = tracked.last_good.take().filter(|last_good| *last_good != revision);
        tracked.standby = last_good.or(tracked.standby);
        let old = tracked.live.replace(ready);
        // The last good revision may be ready after the newest one, which goes on waiting for its route.
        tracked.held.take_if(|held| is_newest || held.revision == revision);
        self.actions.push(Action::Announce(Published {
            name: name.clone(),
            new: revision,
            old: old.as_ref().map(|old| old.revision),
            after: tracked.changed_at.map(|at| now.duration_since(at)),
        }));
        if let Some(old) = old {
            if old.revision != revision {
                tracked.standby = Some(old.revision);
            }
            self.actions.push(Action::Retire(old));
        }
        self.routes_changed = true;
        self.records_changed = true;
        if is_newest {
            tracked.refused = None;
            self.decide(name, Some(revision), Decision::Live);
        } else if tracked.decision.is_none() && tracked.reading.is_none() && !tracked.is_settling {
            // The last good one, and the folder cannot be seen.
            tracked.decision = Some(Decision::Live);
        }
        self.offer_held(now);
    }

    /// A route may have become free.
    fn offer_held(&mut self, now: Instant) {
        let next = self.apps.iter().find_map(|(name, tracked)| {
            let held = tracked.held.as_ref()?;
            let conflict = find_conflict(&held.routes, name, &self.apps, &self.owners, &self.rules.origins);
            conflict.is_none().then(|| (name.clone(), held.clone()))
        });
        if let Some((name, held)) = next {
            // Each publishing frees one, so that this ends.
            self.publish(&name, held, now);
        }
    }

    fn refuse(&mut self, name: &AppName, revision: Option<Revision>, why: Reason) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        tracked.newest = revision;
        if let Some(revision) = revision {
            tracked.refused = Some((revision, why.clone()));
            self.records_changed = true;
        }
        self.decide(name, revision, Decision::Refused(why));
    }

    /// Notes what became of the newest content, and says so once.
    fn decide(&mut self, name: &AppName, newest: Option<Revision>, decision: Decision) {
        self.supersede(
            name,
            match decision {
                // Whatever is missing may come a hundred times and go again.
                Decision::Pending(_) => Superseded::Overtaken(newest),
                Decision::Live | Decision::Refused(_) | Decision::Conflict(_) => Superseded::Decided(newest),
            },
        );
        let Some(tracked) = self.apps.get_mut(name) else { return };
        tracked.newest = newest;
        if !matches!(decision, Decision::Conflict(_)) {
            tracked.held = None;
        }
        if !matches!(decision, Decision::Pending(_)) {
            tracked.retry.at = None;
            tracked.changed_at = None;
        }
        if tracked.decision.as_ref() != Some(&decision) {
            log::decision(name, tracked, &decision);
            tracked.decision = Some(decision);
            self.routes_changed |= tracked.live.is_none();
        }
    }

    /// Stops making ready what is no longer wanted. Newer content overtakes what is made, once: what is made after that comes
    /// to its end, beside the newest, so that something is decided however often there is newer content.
    fn supersede(&mut self, name: &AppName, what: Superseded) {
        let Some(tracked) = self.apps.get_mut(name) else { return };
        let last_good = tracked.last_good;
        let mut may_stay = tracked.gave_up && tracked.jobs.iter().all(|job| !job.stays);
        let mut gave_up = false;
        let actions = &mut self.actions;
        tracked.jobs.retain_mut(|job| {
            let is_wanted = |newest| [newest, last_good].contains(&Some(job.revision));
            let goes_on = match what {
                Superseded::Everything => false,
                Superseded::Decided(newest) => is_wanted(newest),
                Superseded::Overtaken(newest) if is_wanted(newest) || job.stays => true,
                Superseded::Overtaken(_) => {
                    job.stays = std::mem::take(&mut may_stay);
                    gave_up |= !job.stays;
                    job.stays
                }
            };
            if !goes_on {
                actions.push(Action::Cancel(job.serial));
            }
            goes_on
        });
        tracked.gave_up = match what {
            Superseded::Decided(_) => false,
            Superseded::Everything | Superseded::Overtaken(_) => tracked.gave_up || gave_up,
        };
    }

    fn reconsider(&mut self, policy_changed: bool, now: Instant) {
        for known in self.remembered.iter_mut().flat_map(BTreeMap::values_mut) {
            self.records_changed |= known.refused.take().is_some();
        }
        let names: Vec<AppName> = self.apps.keys().cloned().collect();
        for name in names {
            let Some(tracked) = self.apps.get_mut(&name) else { continue };
            self.records_changed |= tracked.refused.take().is_some();
            tracked.retry.attempts = 0;
            tracked.last_good_retry.attempts = 0;
            let is_last_good = |job: &PrepareJob| tracked.last_good == Some(job.revision);
            let is_settled = matches!(tracked.decision, Some(Decision::Live)) && tracked.jobs.iter().all(is_last_good);
            if policy_changed {
                tracked.last_good = tracked.live_revision().or(tracked.last_good);
                // It is made under the policy of before.
                self.supersede(&name, Superseded::Everything);
            }
            if !is_settled {
                self.read_anew(&name, now);
            }
            if let Some(revision) = self.apps.get(&name).and_then(|tracked| tracked.last_good) {
                self.make_last_good(&name, revision);
            }
        }
    }

    /// Forgets what was decided about the newest content, so that it is read again and the same answer is given and
    /// logged once more.
    fn read_anew(&mut self, name: &AppName, now: Instant) {
        self.supersede(name, Superseded::Overtaken(None));
        let Some(tracked) = self.apps.get_mut(name) else { return };
        tracked.decision = None;
        tracked.held = None;
        if tracked.seen.is_some() {
            tracked.retry.at = Some(now);
            tracked.reading = None;
        }
    }
}

enum Superseded {
    /// The app is gone, or something else is allowed.
    Everything,
    /// Something was decided, and this is still to be made. The last good revision goes on beside it.
    Decided(Option<Revision>),
    /// This is the newest content, and nothing is decided about it yet.
    Overtaken(Option<Revision>),
}

/// Whether an app's file lies where nobody can look at the moment.
fn hidden(unreadable: &BTreeMap<PathBuf, Reason>, name: &AppName) -> bool {
    unreadable.keys().any(|folder| Path::new(name.as_str()).starts_with(folder))
}

/// What the folder of `name` has under these names.
fn beside(
    components: &BTreeMap<PathBuf, Result<FoundFile, Reason>>,
    name: &AppName,
    names: &[String],
) -> Vec<SiblingFile> {
    let path = |file: &String| Path::new(name.as_str()).with_file_name(file);
    names.iter().map(|file| SiblingFile { name: file.clone(), file: components.get(&path(file)).cloned() }).collect()
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth_tests;
#[cfg(test)]
mod world_tests;

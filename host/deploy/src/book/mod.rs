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

use crate::fact::Deed;
use crate::fact::Fact;
use crate::fact::Made;
use crate::fact::Published;
use crate::fact::Remembered;
use crate::fact::Rules;
use crate::guard::Guard;
use crate::life::Job;
use crate::life::Life;
use crate::life::Reading;
use crate::life::Ready;
use crate::life::Retry;
use crate::life::Verdict;
use crate::load::Found;
use crate::load::Loaded;
use crate::load::Order;
use crate::publish::Incumbents;
use crate::publish::contest;
use crate::publish::key;
use crate::say;
use crate::scan::Beside;
use crate::scan::Mark;
use crate::scan::Scan;
use crate::scan::Sighted;
use crate::scan::Sighting;
use crate::settle::Look;
use crate::settle::Settle;
use crate::settle::Step;

/// All apps.
pub struct Book<G> {
    rules: Rules,
    lives: BTreeMap<AppName, Life<G>>,
    /// Files that can be no app for their names, by path: why.
    strangers: BTreeMap<PathBuf, String>,
    unreadable: BTreeMap<PathBuf, String>,
    /// Every component of the last look, by path, and what was moved into place then.
    components: BTreeMap<PathBuf, Result<Sighting, String>>,
    moved: HashSet<PathBuf>,
    incumbents: Incumbents,
    device: Option<u64>,
    unseen: Option<String>,
    /// From an earlier run, until the first look at the folder.
    remembered: Option<BTreeMap<AppName, Remembered>>,
    /// What the first look found and is not decided yet.
    undecided: Option<BTreeSet<AppName>>,
    serial: u64,
    deeds: Vec<Deed<G>>,
    routes_changed: bool,
    records_changed: bool,
}

impl<G: Clone> Book<G> {
    /// An empty book, with what an earlier run left.
    pub fn new(
        rules: Rules,
        remembered: BTreeMap<AppName, Remembered>,
        incumbents: Incumbents,
        device: Option<u64>,
    ) -> Book<G> {
        Book {
            rules,
            lives: BTreeMap::new(),
            strangers: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            components: BTreeMap::new(),
            moved: HashSet::new(),
            incumbents,
            device,
            unseen: None,
            remembered: Some(remembered),
            undecided: None,
            serial: 0,
            deeds: Vec::new(),
            routes_changed: false,
            records_changed: false,
        }
    }

    /// Takes in one fact. What is to be done is taken with [`take_deeds`](Book::take_deeds).
    pub fn apply(&mut self, fact: Fact<G>, now: Instant) {
        match fact {
            Fact::Scanned { scan, moved } => self.scanned(scan, moved, now),
            Fact::Unseen(why) => self.unseen(why, now),
            Fact::Read(name, serial, found) => self.read(&name, serial, found, now),
            Fact::Made(name, serial, made) => self.made(&name, serial, made, now),
            Fact::Reconsider { policy_changed } => self.reconsider(policy_changed, now),
        }
        if let Some(undecided) = &mut self.undecided {
            undecided.retain(|name| self.lives.get(name).is_some_and(|life| !life.is_decided()));
        }
    }

    /// What is to be done, in order.
    pub fn take_deeds(&mut self) -> Vec<Deed<G>> {
        std::mem::take(&mut self.deeds)
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
    pub fn lives(&self) -> &BTreeMap<AppName, Life<G>> {
        &self.lives
    }

    /// What an earlier run left, until the folder was looked at for the first time.
    pub fn remembered(&self) -> Option<&BTreeMap<AppName, Remembered>> {
        self.remembered.as_ref()
    }

    /// Files that can be no app for their names.
    pub fn strangers(&self) -> &BTreeMap<PathBuf, String> {
        &self.strangers
    }

    /// Who holds which declared route.
    pub fn incumbents(&self) -> &Incumbents {
        &self.incumbents
    }

    /// The device of the apps folder.
    pub fn device(&self) -> Option<u64> {
        self.device
    }

    /// Whether a read only makes sure that nothing changed unseen.
    pub fn is_check(&self, name: &AppName, serial: u64) -> bool {
        let reading = self.lives.get(name).and_then(|life| life.reading);
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
        self.lives.values().filter_map(|life| life.deadline(self.rules.removal_grace)).min()
    }

    fn scanned(&mut self, scan: Scan, moved: HashSet<PathBuf>, now: Instant) {
        let is_elsewhere = self.device.is_some_and(|device| device != scan.device);
        let knows_apps = !self.lives.is_empty() || self.remembered.as_ref().is_some_and(|known| !known.is_empty());
        if scan.is_empty && is_elsewhere && knows_apps {
            return self.unseen("it is empty, and on another device than before: is it mounted?".to_owned(), now);
        }
        self.unseen = None;
        self.records_changed |= self.device != Some(scan.device);
        self.device = Some(scan.device);
        say::new_reasons(&self.strangers, &scan.refusals, "refused");
        say::new_reasons(&self.unreadable, &scan.unreadable, "cannot be looked into");
        self.strangers = scan.refusals;
        self.unreadable = scan.unreadable;
        self.components = scan.components;
        self.moved = moved;
        let is_there = |name: &AppName| scan.apps.contains_key(name) || hidden(&self.unreadable, name);
        if let Some(mut remembered) = self.remembered.take() {
            // What was deleted while we were away is not brought back.
            self.records_changed |= remembered.keys().any(|name| !is_there(name));
            remembered.retain(|name, _| is_there(name));
            // Nor does it hold a route, should another file come under its name.
            self.incumbents.retain(|_, holder| remembered.contains_key(holder));
            self.restore(remembered);
        }
        let gone: Vec<AppName> = self.lives.keys().filter(|name| !scan.apps.contains_key(name)).cloned().collect();
        for (name, sighted) in scan.apps {
            self.routes_changed |= !self.lives.contains_key(&name);
            self.sighted(&name, sighted, now);
        }
        for name in gone {
            self.not_sighted(&name, now);
        }
        // Only now: what waits for the route of an app that is gone may be gone as well.
        self.offer_held(now);
        self.retry_last_good(now);
        self.undecided.get_or_insert_with(|| self.lives.keys().cloned().collect());
    }

    fn unseen(&mut self, why: String, now: Instant) {
        self.unseen = Some(why);
        if let Some(remembered) = self.remembered.take() {
            self.restore(remembered);
        }
        for life in self.lives.values_mut() {
            life.gone_since = None;
        }
        self.retry_last_good(now);
        let at_work = || self.lives.iter().filter(|(_, life)| !life.jobs.is_empty());
        self.undecided.get_or_insert_with(|| at_work().map(|(name, _)| name.clone()).collect());
    }

    /// The last good revisions serve at once, while the newest content is looked at.
    fn restore(&mut self, remembered: BTreeMap<AppName, Remembered>) {
        for (name, known) in remembered {
            let life = self.lives.entry(name.clone()).or_default();
            life.last_good = known.live;
            life.standby = known.standby;
            life.refused = known.refused;
            life.guard = known.guard;
            self.routes_changed = true;
            if let Some(revision) = known.live {
                self.make(&name, revision, None);
            }
        }
    }

    fn retry_last_good(&mut self, now: Instant) {
        let due = |life: &Life<G>| life.last_good.filter(|_| life.last_good_retry.at.is_some_and(|at| at <= now));
        let due: Vec<_> = self.lives.iter().filter_map(|(name, life)| Some((name.clone(), due(life)?))).collect();
        for (name, revision) in due {
            self.make_last_good(&name, revision);
        }
    }

    fn make_last_good(&mut self, name: &AppName, revision: Revision) {
        let Some(life) = self.lives.get_mut(name) else { return };
        life.last_good_retry.at = None;
        if life.jobs.iter().all(|job| job.revision != revision) {
            self.make(name, revision, None);
        }
    }

    fn sighted(&mut self, name: &AppName, sighted: Sighted, now: Instant) {
        let life = self.lives.entry(name.clone()).or_default();
        life.gone_since = None;
        if let Some(manifest) = &sighted.manifest {
            let mark: Option<Mark> = manifest.as_ref().ok().map(|manifest| manifest.mark);
            // It may be gone again before it is read.
            if (mark.is_none() || mark != life.guard_of) && life.guard != Guard::Unread {
                life.guard = Guard::Unread;
                self.records_changed = true;
            }
        }
        let (code, manifest) = match sighted.files() {
            Ok(files) => files,
            Err(why) => {
                // Whatever comes next under this name is new.
                life.settle = Settle::default();
                life.is_settling = false;
                return self.decide(name, None, Verdict::Refused(why));
            }
        };
        self.look(name, code, manifest, now);
    }

    /// Whether its files have stood still.
    fn look(&mut self, name: &AppName, code: Sighting, manifest: Option<Sighting>, now: Instant) {
        let Some(life) = self.lives.get_mut(name) else { return };
        let moved = &self.moved;
        let is_moved = |path: &Path| !moved.is_empty() && path.ancestors().any(|part| moved.contains(part));
        let Rules { settle, removal_grace, .. } = self.rules;
        let look = Look { now, settle, removal_grace, moved: &is_moved };
        let before = beside(&self.components, name, &life.before);
        let step = life.settle.look(&code, manifest.as_ref(), &before, look);
        life.seen = Some((code, manifest));
        life.is_settling = matches!(step, Step::Wait(_));
        match step {
            Step::Wait(_) => {
                life.changed_at.get_or_insert(now);
                // It is read once it stands still. A retry that is due before would be due again after every look.
                life.retry.at = None;
            }
            Step::Read => {
                life.changed_at.get_or_insert(now);
                life.retry.attempts = 0;
                self.start_read(name, false, now);
            }
            Step::Idle if life.reading.is_some() => {}
            Step::Idle if life.retry.at.is_some_and(|at| at <= now) => self.start_read(name, false, now),
            Step::Idle => {
                if life.read_at.is_some_and(|at| now.duration_since(at) >= self.rules.check) {
                    self.start_read(name, true, now);
                }
            }
        }
    }

    fn not_sighted(&mut self, name: &AppName, now: Instant) {
        let Some(life) = self.lives.get_mut(name) else { return };
        life.is_settling = false;
        if hidden(&self.unreadable, name) {
            // Neither gone nor to be looked at: whatever is there when it can be seen again is new.
            life.gone_since = None;
            life.retry.at = None;
            life.settle = Settle::default();
            if life.verdict.is_none() && life.jobs.is_empty() && life.reading.is_none() {
                let why = "nobody can look into its folder at the moment".to_owned();
                self.decide(name, None, Verdict::Pending(why));
            }
            return;
        }
        let since = *life.gone_since.get_or_insert(now);
        if now.duration_since(since) < self.rules.removal_grace {
            return;
        }
        self.supersede(name, Superseded::Everything);
        if let Some(life) = self.lives.remove(name) {
            tracing::info!(
                target: "guesthouse::deploy",
                { app.name = %name },
                "undeployed `{name}`: `{}` was removed",
                life.shown(name.as_str())
            );
            if let Some(ready) = life.live {
                self.deeds.push(Deed::Retire(ready));
            }
        }
        self.incumbents.retain(|_, holder| holder != name);
        self.deeds.push(Deed::Forget(name.clone()));
        self.routes_changed = true;
        self.records_changed = true;
    }

    /// Unless its manifest is missed: what lies there without it is not what is meant.
    fn start_read(&mut self, name: &AppName, is_check: bool, now: Instant) {
        self.serial += 1;
        let serial = self.serial;
        let bytes_max = self.rules.component_bytes_max;
        let Some(life) = self.lives.get_mut(name) else { return };
        if let Some(why) = life.misses_its_manifest() {
            life.reading = None;
            life.read_at = Some(now);
            life.retry.later(now);
            return self.decide(name, None, Verdict::Pending(why));
        }
        let Some((code, manifest)) = life.seen.clone() else { return };
        let mark = manifest.as_ref().map(|manifest| manifest.mark);
        life.reading = Some(Reading { serial, manifest: mark, is_check });
        life.retry.at = None;
        let before = beside(&self.components, name, &life.before);
        let order = Order { code, manifest, before, known: life.known(), bytes_max };
        self.deeds.push(Deed::Read(name.clone(), serial, Box::new(order)));
    }

    fn read(&mut self, name: &AppName, serial: u64, found: Found, now: Instant) {
        let settle = self.rules.settle;
        let Some(life) = self.lives.get_mut(name) else { return };
        let Some(reading) = life.reading.take_if(|reading| reading.serial == serial) else { return };
        life.read_at = Some(now);
        let Found { loaded, guard } = found;
        if let Some(guard) = guard {
            life.guard_of = reading.manifest;
            self.records_changed |= life.guard != guard;
            life.guard = guard;
        }
        match loaded {
            Loaded::Changed => {
                life.settle.again(now, settle);
                life.is_settling = true;
                life.changed_at.get_or_insert(now);
            }
            Loaded::Before(names) => {
                life.before = names;
                life.settle.once_more();
                if let Some((code, manifest)) = life.seen.clone() {
                    self.look(name, code, manifest, now);
                }
            }
            Loaded::Pending(why) | Loaded::Trouble(why) => {
                life.retry.later(now);
                self.decide(name, None, Verdict::Pending(why));
            }
            Loaded::Refused { revision, why } => self.refuse(name, revision, why),
            Loaded::Content { revision, inspection } => self.content(name, revision, inspection, now),
        }
    }

    fn content(&mut self, name: &AppName, revision: Revision, inspection: Option<Box<Inspection>>, now: Instant) {
        let Some(life) = self.lives.get_mut(name) else { return };
        life.newest = Some(revision);
        // Asked first: what serves may have been refused under a policy that came later.
        if let Some((_, why)) = life.refused.as_ref().filter(|(refused, _)| *refused == revision) {
            let why = why.clone();
            self.decide(name, Some(revision), Verdict::Refused(why));
        } else if life.live_revision() == Some(revision) {
            self.decide(name, Some(revision), Verdict::Live);
        } else if life.held.as_ref().is_some_and(|held| held.revision == revision) {
            if let Some(ready) = life.held.clone() {
                self.offer(name, ready, now);
            }
        } else {
            self.supersede(name, Superseded::Overtaken(Some(revision)));
            let is_made = |life: &Life<G>| life.jobs.iter().any(|job| job.revision == revision);
            if !self.lives.get(name).is_some_and(is_made) {
                self.make(name, revision, inspection);
            }
        }
    }

    fn make(&mut self, name: &AppName, revision: Revision, inspection: Option<Box<Inspection>>) {
        self.serial += 1;
        let serial = self.serial;
        let Some(life) = self.lives.get_mut(name) else { return };
        life.jobs.push(Job { serial, revision, stays: false });
        self.deeds.push(Deed::Make(name.clone(), serial, revision, inspection));
    }

    fn made(&mut self, name: &AppName, serial: u64, made: Made<G>, now: Instant) {
        let Some(life) = self.lives.get_mut(name) else { return };
        let Some(at) = life.jobs.iter().position(|job| job.serial == serial) else { return };
        let job = life.jobs.remove(at);
        let is_newest = life.newest == Some(job.revision);
        let is_last_good = life.last_good == Some(job.revision);
        let serves = life.live_revision() == Some(job.revision);
        let is_refused = matches!(made, Made::Refused(_));
        if is_last_good && matches!(made, Made::Trouble(_)) {
            life.last_good_retry.later(now);
        }
        match made {
            Made::Ready(ready) if is_newest || is_last_good => self.offer(name, ready, now),
            Made::Refused(why) if is_newest => self.refuse(name, Some(job.revision), why),
            made if job.stays && !is_newest && !is_last_good => self.overtaken(name, job.revision, made, now),
            Made::Ready(_) => {}
            Made::Trouble(why) if is_newest && !serves => {
                life.retry.later(now);
                self.decide(name, Some(job.revision), Verdict::Pending(why));
            }
            Made::Refused(why) | Made::Trouble(why) => {
                if serves && is_refused {
                    // Another policy forbids it. When it is read again, it must not be taken for what may serve.
                    life.refused = Some((job.revision, why.clone()));
                    self.records_changed = true;
                }
                tracing::warn!(
                    target: "guesthouse::deploy",
                    { app.name = %name, app.revision = %job.revision },
                    "`{name}`: the last good revision {} cannot {}: {why}",
                    job.revision,
                    if serves { "be made anew, and serves as it was made" } else { "serve" }
                );
                if life.newest.is_none() && life.reading.is_none() && life.verdict.is_none() {
                    self.decide(name, None, Verdict::Pending(why));
                }
            }
        }
    }

    /// There is newer content, and yet this came to its end: it serves until that is ready. Else nothing would be published
    /// for as long as somebody goes on dropping files.
    fn overtaken(&mut self, name: &AppName, revision: Revision, made: Made<G>, now: Instant) {
        let told = match made {
            Made::Ready(ready) => {
                match contest(&ready.routes, name, &self.lives, &self.incumbents, &self.rules.origins) {
                    None => {
                        self.publish(name, ready, now);
                        None
                    }
                    Some(why) => Some(("not published", why)),
                }
            }
            Made::Refused(why) => {
                if let Some(life) = self.lives.get_mut(name) {
                    life.refused = Some((revision, why.clone()));
                    self.records_changed = true;
                }
                Some(("refused", why))
            }
            // Nothing was found out about it.
            Made::Trouble(_) => return,
        };
        if let Some((word, why)) = told {
            tracing::warn!(
                target: "guesthouse::deploy",
                { app.name = %name, app.revision = %revision },
                "`{name}`: revision {revision}: {word}: {why}; there is newer content"
            );
        }
        let newest = self.lives.get(name).and_then(|life| life.newest);
        self.supersede(name, Superseded::Decided(newest));
    }

    /// Publishes what is ready, unless it wants what another app holds. What served before goes on with what is left to
    /// it, as it would have done without a restart or another policy.
    fn offer(&mut self, name: &AppName, ready: Ready<G>, now: Instant) {
        let conflict = contest(&ready.routes, name, &self.lives, &self.incumbents, &self.rules.origins);
        let Some(life) = self.lives.get_mut(name) else { return };
        let conflict = conflict.filter(|_| life.last_good != Some(ready.revision));
        let Some(why) = conflict else { return self.publish(name, ready, now) };
        let revision = ready.revision;
        life.held = Some(ready);
        self.decide(name, Some(revision), Verdict::Conflict(why));
    }

    fn publish(&mut self, name: &AppName, ready: Ready<G>, now: Instant) {
        let Some(life) = self.lives.get_mut(name) else { return };
        let revision = ready.revision;
        let is_newest = life.newest == Some(revision);
        self.incumbents.retain(|_, holder| holder != name);
        self.incumbents.extend(ready.routes.iter().map(|route| (key(route), name.clone())));
        life.last_good_retry = Retry::default();
        let last_good = life.last_good.take().filter(|last_good| *last_good != revision);
        life.standby = last_good.or(life.standby);
        let old = life.live.replace(ready);
        // The last good revision may be ready after the newest one, which goes on waiting for its route.
        life.held.take_if(|held| is_newest || held.revision == revision);
        self.deeds.push(Deed::Tell(Published {
            name: name.clone(),
            new: revision,
            old: old.as_ref().map(|old| old.revision),
            after: life.changed_at.map(|at| now.duration_since(at)),
        }));
        if let Some(old) = old {
            if old.revision != revision {
                life.standby = Some(old.revision);
            }
            self.deeds.push(Deed::Retire(old));
        }
        self.routes_changed = true;
        self.records_changed = true;
        if is_newest {
            life.refused = None;
            self.decide(name, Some(revision), Verdict::Live);
        } else if life.verdict.is_none() && life.reading.is_none() && !life.is_settling {
            // The last good one, and the folder cannot be seen.
            life.verdict = Some(Verdict::Live);
        }
        self.offer_held(now);
    }

    /// A route may have become free.
    fn offer_held(&mut self, now: Instant) {
        let next = self.lives.iter().find_map(|(name, life)| {
            let held = life.held.as_ref()?;
            let conflict = contest(&held.routes, name, &self.lives, &self.incumbents, &self.rules.origins);
            conflict.is_none().then(|| (name.clone(), held.clone()))
        });
        if let Some((name, held)) = next {
            // Each publishing frees one, so that this ends.
            self.publish(&name, held, now);
        }
    }

    fn refuse(&mut self, name: &AppName, revision: Option<Revision>, why: String) {
        let Some(life) = self.lives.get_mut(name) else { return };
        life.newest = revision;
        if let Some(revision) = revision {
            life.refused = Some((revision, why.clone()));
            self.records_changed = true;
        }
        self.decide(name, revision, Verdict::Refused(why));
    }

    /// Notes what became of the newest content, and says so once.
    fn decide(&mut self, name: &AppName, newest: Option<Revision>, verdict: Verdict) {
        self.supersede(
            name,
            match verdict {
                // Whatever is missing may come a hundred times and go again.
                Verdict::Pending(_) => Superseded::Overtaken(newest),
                Verdict::Live | Verdict::Refused(_) | Verdict::Conflict(_) => Superseded::Decided(newest),
            },
        );
        let Some(life) = self.lives.get_mut(name) else { return };
        life.newest = newest;
        if !matches!(verdict, Verdict::Conflict(_)) {
            life.held = None;
        }
        if !matches!(verdict, Verdict::Pending(_)) {
            life.retry.at = None;
            life.changed_at = None;
        }
        if life.verdict.as_ref() != Some(&verdict) {
            say::verdict(name, life, &verdict);
            life.verdict = Some(verdict);
            self.routes_changed |= life.live.is_none();
        }
    }

    /// Stops making ready what is no longer wanted. Newer content overtakes what is made, once: what is made after that comes
    /// to its end, beside the newest, so that something is decided however often there is newer content.
    fn supersede(&mut self, name: &AppName, what: Superseded) {
        let Some(life) = self.lives.get_mut(name) else { return };
        let last_good = life.last_good;
        let mut may_stay = life.gave_up && life.jobs.iter().all(|job| !job.stays);
        let mut gave_up = false;
        let deeds = &mut self.deeds;
        life.jobs.retain_mut(|job| {
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
                deeds.push(Deed::Cancel(job.serial));
            }
            goes_on
        });
        life.gave_up = match what {
            Superseded::Decided(_) => false,
            Superseded::Everything | Superseded::Overtaken(_) => life.gave_up || gave_up,
        };
    }

    fn reconsider(&mut self, policy_changed: bool, now: Instant) {
        for known in self.remembered.iter_mut().flat_map(BTreeMap::values_mut) {
            self.records_changed |= known.refused.take().is_some();
        }
        let names: Vec<AppName> = self.lives.keys().cloned().collect();
        for name in names {
            let Some(life) = self.lives.get_mut(&name) else { continue };
            self.records_changed |= life.refused.take().is_some();
            life.retry.attempts = 0;
            life.last_good_retry.attempts = 0;
            let is_last_good = |job: &Job| life.last_good == Some(job.revision);
            let is_settled = matches!(life.verdict, Some(Verdict::Live)) && life.jobs.iter().all(is_last_good);
            if policy_changed {
                life.last_good = life.live_revision().or(life.last_good);
                // It is made under the policy of before.
                self.supersede(&name, Superseded::Everything);
            }
            if !is_settled {
                self.read_anew(&name, now);
            }
            if let Some(revision) = self.lives.get(&name).and_then(|life| life.last_good) {
                self.make_last_good(&name, revision);
            }
        }
    }

    /// Forgets what was decided about the newest content, so that it is read again and the same answer is given and
    /// logged once more.
    fn read_anew(&mut self, name: &AppName, now: Instant) {
        self.supersede(name, Superseded::Overtaken(None));
        let Some(life) = self.lives.get_mut(name) else { return };
        life.verdict = None;
        life.held = None;
        if life.seen.is_some() {
            life.retry.at = Some(now);
            life.reading = None;
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
fn hidden(unreadable: &BTreeMap<PathBuf, String>, name: &AppName) -> bool {
    unreadable.keys().any(|folder| Path::new(name.as_str()).starts_with(folder))
}

/// What the folder of `name` has under these names.
fn beside(components: &BTreeMap<PathBuf, Result<Sighting, String>>, name: &AppName, names: &[String]) -> Vec<Beside> {
    let path = |file: &String| Path::new(name.as_str()).with_file_name(file);
    names.iter().map(|file| Beside { name: file.clone(), file: components.get(&path(file)).cloned() }).collect()
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth_tests;
#[cfg(test)]
mod world_tests;

//! Between what is known now and what is remembered across restarts.

use std::collections::BTreeMap;

use guesthouse_manifest::policy::Policy;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;

use crate::manifest_guard::Guard;
use crate::reason::Reason;
use crate::reconcile::event::Remembered;
use crate::reconcile::publish::RouteOwners;
use crate::reconcile::reconciler::Reconciler;
use crate::settings::CompileSettings;
use crate::state_dir::journal::Journal;
use crate::state_dir::journal::Record;
use crate::state_dir::journal::Refusal;
use crate::state_dir::journal::WrittenRevision;
use crate::state_dir::store::Retained;

/// Who judged: another version of the host, another policy or more room to compile may decide otherwise.
pub fn judge(policy: &Policy, compile: &CompileSettings) -> String {
    let CompileSettings { deadline, memory_bytes_max, .. } = compile;
    let rules = Digest::of(format!("{policy:?} {deadline:?} {memory_bytes_max}").as_bytes());
    format!("guesthouse {} under {}", env!("CARGO_PKG_VERSION"), rules.short())
}

/// What an earlier run left for this one.
pub fn remembered(journal: &Journal, judge: &str) -> (BTreeMap<AppName, Remembered>, RouteOwners) {
    let app = |(name, record): (&String, &Record)| {
        let revision = |written: &Option<WrittenRevision>| written.as_ref().and_then(WrittenRevision::revision);
        let refused = record.refused.as_ref().filter(|refusal| refusal.judge == judge);
        let live = revision(&record.live);
        let unsaid = || if live.is_some_and(|live| live.manifest.is_some()) { Guard::Unread } else { Guard::Nothing };
        let known = Remembered {
            guard: record.guard.clone().unwrap_or_else(unsaid),
            live,
            standby: revision(&record.standby),
            refused: refused.and_then(|refusal| Some((refusal.revision.revision()?, refusal.reason()?))),
        };
        Some((AppName::parse(name).ok()?, known))
    };
    let route = |(route, name): (&String, &String)| Some((route.clone(), AppName::parse(name).ok()?));
    (journal.apps.iter().filter_map(app).collect(), journal.routes.iter().filter_map(route).collect())
}

/// What this run leaves for the next one.
pub fn journal<G: Clone>(reconciler: &Reconciler<G>, judge: &str) -> Journal {
    let mut journal = Journal::default();
    journal.device = reconciler.device();
    type Refused<'a> = Option<&'a (Revision, Reason)>;
    let record = |live: Option<Revision>, standby: Option<Revision>, refused: Refused<'_>, guard: &Guard| {
        let refusal = |(revision, why): &(_, Reason)| Refusal::new(*revision, why, judge);
        Record {
            live: live.map(WrittenRevision::from),
            standby: standby.map(WrittenRevision::from),
            refused: refused.map(refusal),
            guard: Some(guard.clone()),
        }
    };
    // A host that ends before it has seen the folder leaves what it was left.
    for (name, known) in reconciler.remembered().into_iter().flatten() {
        journal.apps.insert(name.to_string(), record(known.live, known.standby, known.refused.as_ref(), &known.guard));
    }
    for (name, tracked) in reconciler.apps() {
        let live = tracked.live_revision().or(tracked.last_good);
        journal.apps.insert(name.to_string(), record(live, tracked.standby, tracked.refused.as_ref(), &tracked.guard));
    }
    let known = reconciler.owners().iter().filter(|(_, holder)| journal.apps.contains_key(holder.as_str()));
    journal.routes = known.map(|(route, holder)| (route.clone(), holder.to_string())).collect();
    journal
}

/// What the store must not lose.
pub fn keep<G: Clone>(reconciler: &Reconciler<G>, kinds: Vec<String>) -> Retained {
    let mut keep = Retained { kinds, ..Retained::default() };
    for known in reconciler.remembered().into_iter().flatten().map(|(_, known)| known) {
        keep.add(known.live.into_iter().chain(known.standby));
    }
    for tracked in reconciler.apps().values() {
        let held = tracked.held.as_ref().map(|held| held.revision);
        let kept =
            [tracked.live_revision(), tracked.last_good, tracked.standby, tracked.newest, held].into_iter().flatten();
        keep.add(kept.chain(tracked.jobs.iter().map(|job| job.revision)));
    }
    keep
}

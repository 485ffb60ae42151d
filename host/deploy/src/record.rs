//! Between what is known now and what is remembered across restarts.

use std::collections::BTreeMap;

use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;

use crate::book::Book;
use crate::fact::Remembered;
use crate::guard::Guard;
use crate::journal::Journal;
use crate::journal::Record;
use crate::journal::Refusal;
use crate::journal::Written;
use crate::policy::Policy;
use crate::publish::Incumbents;
use crate::settings::CompileSettings;
use crate::store::Keep;

/// Who judged: another version of the host, another policy or more room to compile may decide otherwise.
pub fn judge(policy: &Policy, compile: &CompileSettings) -> String {
    let CompileSettings { deadline, memory_bytes_max, .. } = compile;
    let rules = Digest::of(format!("{policy:?} {deadline:?} {memory_bytes_max}").as_bytes());
    format!("guesthouse {} under {}", env!("CARGO_PKG_VERSION"), rules.short())
}

/// What an earlier run left for this one.
pub fn remembered(journal: &Journal, judge: &str) -> (BTreeMap<AppName, Remembered>, Incumbents) {
    let app = |(name, record): (&String, &Record)| {
        let revision = |written: &Option<Written>| written.as_ref().and_then(Written::revision);
        let refused = record.refused.as_ref().filter(|refusal| refusal.judge == judge);
        let live = revision(&record.live);
        let unsaid = || if live.is_some_and(|live| live.manifest.is_some()) { Guard::Unread } else { Guard::Nothing };
        let known = Remembered {
            guard: record.guard.clone().unwrap_or_else(unsaid),
            live,
            standby: revision(&record.standby),
            refused: refused.and_then(|refusal| Some((refusal.revision.revision()?, refusal.why.clone()))),
        };
        Some((AppName::parse(name).ok()?, known))
    };
    let route = |(route, name): (&String, &String)| Some((route.clone(), AppName::parse(name).ok()?));
    (journal.apps.iter().filter_map(app).collect(), journal.routes.iter().filter_map(route).collect())
}

/// What this run leaves for the next one.
pub fn journal<G: Clone>(book: &Book<G>, judge: &str) -> Journal {
    let mut journal = Journal::default();
    journal.device = book.device();
    type Refused<'a> = Option<&'a (Revision, String)>;
    let record = |live: Option<Revision>, standby: Option<Revision>, refused: Refused<'_>, guard: &Guard| {
        let refusal = |(revision, why): &(_, String)| Refusal {
            revision: Written::from(*revision),
            why: why.clone(),
            judge: judge.to_owned(),
        };
        Record {
            live: live.map(Written::from),
            standby: standby.map(Written::from),
            refused: refused.map(refusal),
            guard: Some(guard.clone()),
        }
    };
    // A host that ends before it has seen the folder leaves what it was left.
    for (name, known) in book.remembered().into_iter().flatten() {
        journal.apps.insert(name.to_string(), record(known.live, known.standby, known.refused.as_ref(), &known.guard));
    }
    for (name, life) in book.lives() {
        let live = life.live_revision().or(life.last_good);
        journal.apps.insert(name.to_string(), record(live, life.standby, life.refused.as_ref(), &life.guard));
    }
    let known = book.incumbents().iter().filter(|(_, holder)| journal.apps.contains_key(holder.as_str()));
    journal.routes = known.map(|(route, holder)| (route.clone(), holder.to_string())).collect();
    journal
}

/// What the store must not lose.
pub fn keep<G: Clone>(book: &Book<G>, kinds: Vec<String>) -> Keep {
    let mut keep = Keep { kinds, ..Keep::default() };
    for known in book.remembered().into_iter().flatten().map(|(_, known)| known) {
        keep.add(known.live.into_iter().chain(known.standby));
    }
    for life in book.lives().values() {
        let held = life.held.as_ref().map(|held| held.revision);
        let kept = [life.live_revision(), life.last_good, life.standby, life.newest, held].into_iter().flatten();
        keep.add(kept.chain(life.jobs.iter().map(|job| job.revision)));
    }
    keep
}

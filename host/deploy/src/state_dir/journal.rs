//! What must be remembered across restarts: `state.json`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;
use guesthouse_types::private;
use guesthouse_types::private::Durable;
use serde::Deserialize;
use serde::Serialize;

use crate::manifest_guard::Guard;
use crate::reason::Reason;
use crate::reason::ReasonCode;

/// The layout of the file. Another one is set aside.
const LAYOUT: u32 = 1;

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    layout: u32,
    /// The device of the apps folder, by which an empty mount point is told from a folder that was emptied.
    pub device: Option<u64>,
    /// By app.
    pub apps: BTreeMap<String, Record>,
    /// Which app holds a declared route, as `host/prefix`.
    pub routes: BTreeMap<String, String>,
}

/// What is remembered of one app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The last revision that served.
    pub live: Option<WrittenRevision>,
    /// The one before.
    pub standby: Option<WrittenRevision>,
    /// The newest content, if it was refused.
    pub refused: Option<Refusal>,
    /// What its last manifest kept back. An earlier host did not say.
    #[serde(default)]
    pub guard: Option<Guard>,
}

/// A revision, written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenRevision {
    code: String,
    manifest: Option<String>,
}

/// A refusal that need not be found out again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was refused.
    pub revision: WrittenRevision,
    /// Why.
    pub why: String,
    /// What was in the way, by its name. An earlier host did not say, and a later one may know others.
    #[serde(default)]
    pub code: Option<String>,
    /// Whose turn it was. For people: the code tells it.
    #[serde(default)]
    pub blame: Option<String>,
    /// Under which host and policy: others may decide otherwise.
    pub judge: String,
}

impl Journal {
    /// Reads the journal. A damaged one is set aside: the second value says so.
    pub fn read(state: &Path) -> (Journal, Option<String>) {
        let path = path(state);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (Journal::default(), None),
            Err(error) => return (Journal::default(), Some(format!("cannot read `{}`: {error}", path.display()))),
        };
        match serde_json::from_slice::<Journal>(&bytes) {
            Ok(journal) if journal.layout == LAYOUT => (journal, None),
            other => {
                let why = match other {
                    Ok(journal) => format!("it has layout {}, this host reads {LAYOUT}", journal.layout),
                    Err(error) => error.to_string(),
                };
                let aside = path.with_extension("json.damaged");
                let kept = fs::rename(&path, &aside).map(|()| format!("kept as `{}`", aside.display()));
                let kept = kept.unwrap_or_else(|error| format!("and cannot be set aside: {error}"));
                let what = format!("`{}` cannot be used ({why}), {kept}; starting without it", path.display());
                (Journal::default(), Some(what))
            }
        }
    }

    /// Writes the journal, so that a crash leaves the old one or the new one.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        let journal = Journal { layout: LAYOUT, ..self.clone() };
        let bytes = serde_json::to_vec_pretty(&journal)?;
        private::write(&path(state), &bytes, Durable::Yes)
    }
}

impl WrittenRevision {
    /// The revision, if it was written by us.
    pub fn revision(&self) -> Option<Revision> {
        let manifest = match &self.manifest {
            Some(text) => Some(Digest::parse(text)?),
            None => None,
        };
        Some(Revision { code: Digest::parse(&self.code)?, manifest })
    }
}

impl Refusal {
    /// The refusal of `revision` for `reason`.
    pub fn new(revision: Revision, reason: &Reason, judge: &str) -> Refusal {
        Refusal {
            revision: WrittenRevision::from(revision),
            why: reason.text.clone(),
            code: Some(reason.code.name().to_owned()),
            blame: Some(reason.blame().name().to_owned()),
            judge: judge.to_owned(),
        }
    }

    /// Why, if its code is known here.
    pub fn reason(&self) -> Option<Reason> {
        Some(Reason::new(ReasonCode::parse(self.code.as_deref()?)?, self.why.as_str()))
    }
}

impl From<Revision> for WrittenRevision {
    fn from(revision: Revision) -> WrittenRevision {
        let manifest = revision.manifest.map(|digest| digest.to_string());
        WrittenRevision { code: revision.code.to_string(), manifest }
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("state.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(Journal::read(state.path()), (Journal::default(), None));
        let revision = Revision { code: Digest::of(b"code"), manifest: Some(Digest::of(b"manifest")) };
        let reason = Reason::new(ReasonCode::Policy, "no");
        let refused = Refusal::new(revision, &reason, "host");
        assert_eq!(refused.reason(), Some(reason));
        let record =
            Record { live: Some(revision.into()), standby: None, refused: Some(refused), guard: Some(Guard::Unread) };
        let journal = Journal {
            layout: LAYOUT,
            device: Some(7),
            apps: BTreeMap::from([("shop".to_owned(), record)]),
            routes: BTreeMap::from([("shop.example/".to_owned(), "shop".to_owned())]),
        };
        journal.write(state.path()).unwrap();
        let (read, alarm) = Journal::read(state.path());
        assert_eq!((&read, alarm), (&journal, None));
        assert_eq!(read.apps["shop"].live.as_ref().unwrap().revision(), Some(revision));
    }

    #[test]
    fn a_refusal_of_another_host_is_read_and_has_no_reason_here() {
        let revision =
            serde_json::to_string(&WrittenRevision::from(Revision { code: Digest::of(b"code"), manifest: None }));
        let revision = revision.unwrap();
        for more in ["", ", \"code\": \"of-a-later-host\", \"blame\": \"nobody\""] {
            let text = format!("{{\"revision\": {revision}, \"why\": \"no\", \"judge\": \"host\"{more}}}");
            assert_eq!(serde_json::from_str::<Refusal>(&text).unwrap().reason(), None, "{text}");
        }
    }

    #[test]
    fn a_damaged_journal_is_set_aside() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("state.json"), "{\"apps\": ").unwrap();
        let (journal, alarm) = Journal::read(state.path());
        assert_eq!(journal, Journal::default());
        assert!(alarm.unwrap().contains("starting without it"));
        assert!(state.path().join("state.json.damaged").exists());
        assert_eq!(Journal::read(state.path()).1, None);
    }
}

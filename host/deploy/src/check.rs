//! Would this file be taken here? The steps of the drop street for one file: sight → load → validate.
//!
//! What follows in the street is left out, because it is about other apps: settling, contested routes, publishing.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use guesthouse_app::app::App;
use guesthouse_component::inspect::Inspection;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::origin::Reuse;
use guesthouse_types::name::Revision;

use crate::calls::call;
use crate::checked::Asked;
use crate::checked::Checked;
use crate::checked::Compiled;
use crate::checked::Component;
use crate::checked::Given;
use crate::checked::Verdict;
use crate::fact::Made;
use crate::load::Loaded;
use crate::load::Order;
use crate::load::load;
use crate::lock::Lock;
use crate::manifest::Manifest;
use crate::publish::own;
use crate::scan::Sighting;
use crate::scan::sight;
use crate::scan::sight_beside;
use crate::settings::DeploySettings;
use crate::statics::Beside;
use crate::validate::Findings;
use crate::validate::Validator;
use crate::validate::Wanted;

/// Tells of files whether they would be taken.
pub struct Checker {
    pub(super) settings: DeploySettings,
    pub(super) validator: Arc<Validator>,
    pub(super) _lock: Lock,
}

/// Whether a gateway app is called to see how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// With a handful of requests.
    Made,
    /// It is not called.
    LeftOut,
}

/// Why it ends before its end.
struct Stop(Verdict, String);

impl Checker {
    /// Takes `file` as far as it gets. Dropping the future stops it, and kills a compile child.
    pub async fn check(&self, file: &Path, calls: Calls) -> Checked {
        let mut checked = Checked::new(file.display().to_string());
        if let Err(Stop(verdict, why)) = self.walk(file, calls, &mut checked).await {
            checked.verdict = verdict;
            checked.why = Some(why);
        }
        checked
    }

    async fn walk(&self, file: &Path, calls: Calls, checked: &mut Checked) -> Result<(), Stop> {
        let (at, apps, roots) = (file.to_owned(), self.settings.apps.clone(), self.settings.roots.clone());
        let sighted = blocking(move || sight(&at, &apps, &roots)).await?;
        let (name, sighted) = sighted.map_err(refused)?;
        checked.app = Some(name.to_string());
        let (code, manifest) = sighted.files().map_err(refused)?;
        let beside = self.beside(&code);
        checked.bytes = Some(code.mark.size);
        checked.manifest = manifest.as_ref().map(|manifest| manifest.shown.clone());

        let (revision, inspection) = self.read(code, manifest.clone()).await?;
        checked.revision = Some(revision);
        checked.component = Some(Component::of(&inspection));
        checked.asked = manifest.and_then(|manifest| self.asked(&manifest, revision));
        let (lane, reuse) = (inspection.lane, inspection.origin.reuse);
        let untried = untried_hint(&inspection, checked.manifest.is_some());
        let wanted = Wanted { name, revision, inspection: Some(inspection), beside };
        let made = self.make(wanted, checked).await;
        if let Some(given) = &checked.given {
            checked.hints.extend(reuse_hint(reuse, given.requests_per_instance));
            checked.hints.extend(untried);
            if let Some(component) = &mut checked.component {
                component.granted(given);
            }
        }
        let app = made?;
        if lane == Lane::Gateway && calls == Calls::Made {
            checked.calls = Some(call(&app).await);
        }
        Ok(())
    }

    /// Where its static folders would be: beside the file, wherever that is. Outside of the apps folder, links may lead
    /// anywhere.
    fn beside(&self, code: &Sighting) -> Beside {
        let folder = code.entry.parent().unwrap_or(Path::new("/")).to_owned();
        let apps = std::fs::canonicalize(&self.settings.apps).ok().filter(|apps| folder.starts_with(apps));
        let roots = match apps {
            Some(apps) => std::iter::once(apps).chain(self.settings.roots.iter().cloned()).collect(),
            None => vec![PathBuf::from("/")],
        };
        Beside { folder, roots }
    }

    async fn read(&self, code: Sighting, manifest: Option<Sighting>) -> Result<(Revision, Box<Inspection>), Stop> {
        let bytes_max = self.settings.component_bytes_max;
        let order = Order { code, manifest, before: Vec::new(), known: Vec::new(), bytes_max };
        let (store, apps, roots) =
            (self.validator.store.clone(), self.settings.apps.clone(), self.settings.roots.clone());
        let loaded = blocking(move || match load(&order, &store).loaded {
            // What stands before it is known once its manifest was read.
            Loaded::Before(names) => {
                let before = sight_beside(&order.code, &names, &apps, &roots);
                load(&Order { before, ..order }, &store).loaded
            }
            other => other,
        });
        match loaded.await? {
            Loaded::Content { revision, inspection: Some(inspection) } => Ok((revision, inspection)),
            Loaded::Content { inspection: None, .. } => Err(bug()),
            Loaded::Changed | Loaded::Before(_) => {
                Err(Stop(Verdict::Pending, "it is being written to at this moment".to_owned()))
            }
            Loaded::Pending(why) | Loaded::Trouble(why) => Err(Stop(Verdict::Pending, why)),
            Loaded::Refused { why, .. } => Err(refused(why)),
        }
    }

    /// The manifest has been read and kept: it is asked for by its digest, as the drop street does.
    fn asked(&self, manifest: &Sighting, revision: Revision) -> Option<Asked> {
        let bytes = self.validator.store.manifest(revision.manifest?)?;
        Manifest::parse(&manifest.shown, &bytes).ok().map(|manifest| Asked::of(&manifest))
    }

    async fn make(&self, wanted: Wanted, checked: &mut Checked) -> Result<Arc<App>, Stop> {
        let own = own(&wanted.name, &self.settings.origins);
        let mut findings = Findings::default();
        let policy = Arc::new(self.settings.policy.clone());
        let made = self.validator.clone();
        let made = made.make_noting(wanted, policy, &mut findings).await;
        checked.compiled = Compiled::of(&findings);
        checked.first_instance_us = findings.first_instance.map(|took| took.as_micros());
        if let Some(terms) = &findings.terms {
            checked.given = Some(Given::of(terms, own));
        }
        match made {
            Made::Ready(ready) => {
                // What one app may hold of this host is known to its admission alone.
                if let Some(given) = &mut checked.given {
                    given.limits.insert("concurrency", ready.guest.limits.concurrency.to_string());
                }
                Ok(ready.guest)
            }
            Made::Refused(why) => Err(refused(why)),
            Made::Trouble(why) => Err(Stop(Verdict::Pending, why)),
        }
    }
}

/// What its author should know of reuse, by what the component was made with and what it would get.
fn reuse_hint(reuse: Reuse, requests_per_instance: u32) -> Option<String> {
    match (reuse, requests_per_instance) {
        (Reuse::Breaks, 1) => {
            Some("StarlingMonkey fails at an instance's second request: leave `reuse` as it is, at 1".to_owned())
        }
        (Reuse::Breaks, many) => Some(format!(
            "StarlingMonkey fails at an instance's second request, and it asks for {many}: take `reuse` out of \
             [instances]"
        )),
        (Reuse::Pays, 1) => Some(
            "an interpreter begins anew for each request: with `reuse = 1000` in [instances] it begins once for many"
                .to_owned(),
        ),
        (Reuse::Pays | Reuse::Open, _) => None,
    }
}

/// What a check could not try of an app that starts with its first request.
fn untried_hint(inspection: &Inspection, has_manifest: bool) -> Option<String> {
    if inspection.origin.language != Some("Python") {
        return None;
    }
    let tells_health = inspection.exports.iter().any(|export| export.starts_with("guesthouse:gateway/lifecycle@"));
    match (tells_health, has_manifest) {
        (false, _) => Some(
            "what it does with its first request (its import, its startup) was not tried, for it has no `health`: \
             `guesthouse build` makes it one"
                .to_owned(),
        ),
        (true, false) => {
            Some("it was started without variables and with an empty state: no manifest lies beside it".to_owned())
        }
        (true, true) => Some("it was started with the manifest's variables, and with an empty state".to_owned()),
    }
}

fn refused(why: String) -> Stop {
    Stop(Verdict::Refused, why)
}

fn bug() -> Stop {
    Stop(Verdict::Pending, "the check failed while it looked at it: a bug of guesthouse".to_owned())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stop> {
    tokio::task::spawn_blocking(work).await.map_err(|_| bug())
}

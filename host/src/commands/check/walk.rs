//! What becomes of one file, step by step, and what is told of each step.

use std::path::Path;

use guesthouse_component::inspect::Inspection;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::origin::Reuse;
use guesthouse_deploy::findings::Findings;
use guesthouse_deploy::reason::Failure;
use guesthouse_deploy::trial::Sight;
use guesthouse_deploy::trial::Trial;

use crate::commands::check::calls::call;
use crate::commands::check::checked::Asked;
use crate::commands::check::checked::Checked;
use crate::commands::check::checked::Compiled;
use crate::commands::check::checked::Component;
use crate::commands::check::checked::Given;
use crate::commands::check::checked::Verdict;

/// Whether a gateway app is called to see how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// With a handful of requests.
    Made,
    /// It is not called.
    LeftOut,
}

/// Takes `file` as far as it gets. Dropping the future stops it, and kills a compile child.
pub async fn check(trial: &Trial, file: &Path, calls: Calls) -> Checked {
    let mut checked = Checked::new(file.display().to_string());
    if let Err(failure) = walk(trial, file, calls, &mut checked).await {
        let (verdict, reason) = match failure {
            Failure::Refused(reason) => (Verdict::Refused, reason),
            Failure::Retry(reason) => (Verdict::Pending, reason),
        };
        checked.verdict = verdict;
        checked.code = Some(reason.code);
        checked.blame = Some(reason.blame());
        checked.why = Some(reason.text);
    }
    checked
}

async fn walk(trial: &Trial, file: &Path, calls: Calls, checked: &mut Checked) -> Result<(), Failure> {
    let Sight { name, files } = trial.scan_one(file).await?;
    checked.app = Some(name.to_string());
    let files = files?;
    checked.bytes = Some(files.bytes());
    checked.manifest = files.manifest().map(str::to_owned);

    let (revision, inspection) = trial.load(&files).await?;
    checked.revision = Some(revision);
    checked.component = Some(Component::of(&inspection));
    checked.asked = trial.manifest(&files, revision).map(|manifest| Asked::of(&manifest));
    let (lane, reuse) = (inspection.lane, inspection.origin.reuse);
    let untried = untried_hint(&inspection, checked.manifest.is_some());
    let own = trial.own_routes(&name);
    let mut findings = Findings::default();
    let made = trial.make((name, &files), revision, inspection, &mut findings).await;
    checked.compiled = Compiled::of(&findings);
    checked.first_instance_us = findings.first_instance.map(|took| took.as_micros());
    if let Some(terms) = &findings.terms {
        let mut given = Given::of(terms, own);
        if let Ok(app) = &made {
            // What one app may hold of this host is known to its admission alone.
            given.limits.insert("concurrency", app.limits.concurrency.to_string());
        }
        checked.hints.extend(reuse_hint(reuse, given.requests_per_instance));
        checked.hints.extend(untried);
        if let Some(component) = &mut checked.component {
            component.granted(&given);
        }
        checked.given = Some(given);
    }
    let app = made?;
    if lane == Lane::Gateway && calls == Calls::Made {
        checked.calls = Some(call(&app).await);
    }
    Ok(())
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

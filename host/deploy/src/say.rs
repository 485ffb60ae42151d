//! What the log says of a drop: each line can be read alone, and is said once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use guesthouse_types::name::AppName;

use crate::fact::Published;
use crate::life::Life;
use crate::life::Verdict;

/// Files that are turned down for another reason than before.
pub fn new_reasons(before: &BTreeMap<PathBuf, String>, after: &BTreeMap<PathBuf, String>, what: &str) {
    for (path, why) in after {
        if before.get(path) != Some(why) {
            tracing::warn!(target: "guesthouse::deploy", "{}: {what}: {why}", path.display());
        }
    }
}

/// A revision serves.
pub fn published(Published { name, new, old, after }: &Published) {
    let was = old.map(|old| format!(" (was {old})")).unwrap_or_default();
    let after = after.map(|after| format!(", {} ms after it was seen", after.as_millis())).unwrap_or_default();
    tracing::info!(
        target: "guesthouse::deploy",
        { app.name = %name, app.revision = %new },
        "published `{name}` revision {new}{was}{after}"
    );
}

/// Something was decided about an app's newest content.
pub fn verdict<G>(name: &AppName, life: &Life<G>, verdict: &Verdict) {
    let (word, why) = match verdict {
        Verdict::Live => return,
        Verdict::Pending(why) => ("pending", why),
        Verdict::Refused(why) => ("refused", why),
        Verdict::Conflict(why) => ("not published", why),
    };
    let file = life.shown(name.as_str());
    let goes_on = match life.live_revision() {
        Some(live) => format!("; the previous revision {live} keeps serving"),
        None => String::new(),
    };
    match verdict {
        Verdict::Pending(_) => {
            tracing::info!(target: "guesthouse::deploy", { app.name = %name }, "{file}: {word}: {why}{goes_on}")
        }
        _ => tracing::warn!(target: "guesthouse::deploy", { app.name = %name }, "{file}: {word}: {why}{goes_on}"),
    }
}

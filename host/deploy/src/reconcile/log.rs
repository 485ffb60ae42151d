//! What the log says of a drop: each line can be read alone, and is said once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use guesthouse_types::name::AppName;

use crate::reason::Reason;
use crate::reconcile::event::Published;
use crate::reconcile::tracked_app::Decision;
use crate::reconcile::tracked_app::TrackedApp;

/// Files that are turned down for another reason than before.
pub fn new_reasons(before: &BTreeMap<PathBuf, Reason>, after: &BTreeMap<PathBuf, Reason>, what: &str) {
    for (path, why) in after {
        if before.get(path) != Some(why) {
            tracing::warn!(
                target: "guesthouse::deploy",
                { reason.code = %why.code, reason.blame = %why.blame() },
                "{}: {what}: {why}",
                path.display()
            );
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
        "`{name}` is live: revision {new}{was}{after}"
    );
}

/// Something was decided about an app's newest content.
pub fn decision<G>(name: &AppName, tracked: &TrackedApp<G>, decision: &Decision) {
    let (word, why) = match decision {
        Decision::Live => return,
        Decision::Pending(why) => ("pending", why),
        Decision::Refused(why) => ("refused", why),
        Decision::Conflict(why) => ("not live", why),
    };
    let file = tracked.shown(name.as_str());
    let goes_on = match tracked.live_revision() {
        Some(live) => format!("; the previous revision {live} keeps serving"),
        None => String::new(),
    };
    match decision {
        Decision::Pending(_) => {
            tracing::info!(
                target: "guesthouse::deploy",
                { app.name = %name, reason.code = %why.code, reason.blame = %why.blame() },
                "{file}: {word}: {why}{goes_on}"
            )
        }
        _ => tracing::warn!(
            target: "guesthouse::deploy",
            { app.name = %name, reason.code = %why.code, reason.blame = %why.blame() },
            "{file}: {word}: {why}{goes_on}"
        ),
    }
}

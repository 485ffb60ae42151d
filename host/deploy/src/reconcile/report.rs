//! From what is known to the status that people are shown.

use guesthouse_app::routes::Origins;

use crate::reconcile::publish::shown;
use crate::reconcile::reconciler::Reconciler;
use crate::status::AppState;
use crate::status::AppStatus;
use crate::status::Newest;
use crate::status::Status;

/// What people are shown.
pub fn status<G: Clone>(reconciler: &Reconciler<G>, alarms: Vec<String>, origins: &Origins) -> Status {
    let mut status = Status { ready: reconciler.is_ready(), alarms, ..Status::default() };
    for (name, tracked) in reconciler.apps() {
        let (state, why) = tracked.state();
        let app = AppStatus {
            serving: tracked.live_revision(),
            newest: Newest::new(state, why),
            standby: tracked.standby,
            routes: shown(name, tracked, reconciler.apps(), origins),
        };
        status.apps.insert(name.to_string(), app);
    }
    for (path, why) in reconciler.invalid_names() {
        let newest = Newest::new(AppState::Refused, Some(why.clone()));
        let app = AppStatus { serving: None, newest, standby: None, routes: Vec::new() };
        status.apps.insert(path.display().to_string(), app);
    }
    status
}

//! The end of a revision: it finishes what it has begun, within its own drain deadline.

use std::sync::Arc;

use guesthouse_app::app::App;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Lets `app` finish in a task of its own. At `stop` the request path takes over: it drains everything.
pub fn retire(app: Arc<App>, tasks: &TaskTracker, stop: CancellationToken) {
    tasks.spawn(async move {
        let cut = tokio::select! {
            () = stop.cancelled() => return,
            cut = app.drain() => cut,
        };
        let (name, revision) = (&app.name, app.revision);
        match cut {
            0 => tracing::info!(
                target: "guesthouse::deploy",
                { app.name = %name, app.revision = %revision },
                "retired `{name}` revision {revision}"
            ),
            cut => tracing::warn!(
                target: "guesthouse::deploy",
                { app.name = %name, app.revision = %revision },
                "retired `{name}` revision {revision}: {cut} requests were cut after {:?}",
                app.limits.drain
            ),
        }
    });
}

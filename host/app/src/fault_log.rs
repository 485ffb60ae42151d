//! What the log says of a guest that failed, whoever asked: in full, but for too many failures of one app.

use guesthouse_sandbox::fault::Fault;
use tokio::time::Instant;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::app::App;
use crate::failures::LogDecision;

/// Logs that `app` gave no whole response to the request `id`. To be called once for each failure.
pub fn log_fault(app: &App, id: &str, fault: &Fault) {
    let (name, revision) = (app.name.as_str(), app.revision.to_string());
    match fault {
        // The sender's doing, or nobody's: they do not count, or senders could hide the guest's own failures.
        Fault::RequestBody(_) => {
            info!(
                target: "guesthouse::serve",
                { app.name = name, app.revision = revision, request.id = id },
                "`{name}` gave no response: {fault}"
            );
        }
        Fault::Retired => {
            warn!(
                target: "guesthouse::serve",
                { app.name = name, app.revision = revision, request.id = id },
                "`{name}` gave no response: {fault}"
            );
        }
        // The request's own record says how it ended.
        _ if !is_told(app) => {}
        Fault::Full(_) => {
            warn!(
                target: "guesthouse::serve",
                { app.name = name, app.revision = revision, request.id = id },
                "`{name}` gave no response: {fault}"
            );
        }
        _ => {
            let backtrace = fault.backtrace().unwrap_or_default();
            error!(
                target: "guesthouse::serve",
                { app.name = name, app.revision = revision, request.id = id, backtrace },
                "`{name}` failed: {fault}"
            );
        }
    }
}

/// Whether one more failure of the app is told in full, after how many were not.
fn is_told(app: &App) -> bool {
    let LogDecision::Tell { left_out } = app.failures.turn(Instant::now()) else { return false };
    if left_out > 0 {
        let name = app.name.as_str();
        warn!(
            target: "guesthouse::serve",
            { app.name = name, left_out },
            "`{name}` failed {left_out} times more than was logged here"
        );
    }
    true
}

//! What the service manager is told (sd_notify(3)): when the host is ready, that it is alive, and that it needs time.
//!
//! Without `$NOTIFY_SOCKET` nobody is told anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_deploy::status::Status;
use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How often it is said that we are still starting, or still ending, and the status line brought up to date.
const PERIOD: Duration = Duration::from_secs(5);

/// How long we may go without saying so.
const MORE_TIME_MICROS: u32 = 30_000_000;

/// Tells of readiness, of life and of the end, until it is dropped. `stop` is cancelled when the host begins to end.
pub async fn inform(mut status: watch::Receiver<Arc<Status>>, stop: CancellationToken) -> Infallible {
    // Twice as often as is asked for, so that one may come late.
    let period = sd_notify::watchdog_enabled().map_or(PERIOD, |watchdog| (watchdog / 2).min(PERIOD));
    let (mut was_ready, mut was_stopped) = (false, false);
    loop {
        let now = status.borrow_and_update().clone();
        if now.ready && !was_ready {
            was_ready = true;
            tell(&[NotifyState::Ready]);
        }
        if stop.is_cancelled() && !was_stopped {
            was_stopped = true;
            tell(&[NotifyState::Stopping, NotifyState::Status("requests in flight are ending")]);
        }
        if !was_stopped {
            tell(&[NotifyState::Status(&line(&now)), NotifyState::Watchdog]);
        }
        if !was_ready || was_stopped {
            tell(&[NotifyState::ExtendTimeoutUsec(MORE_TIME_MICROS), NotifyState::Watchdog]);
        }
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            Ok(()) = status.changed() => {}
            () = stop.cancelled(), if !was_stopped => {}
        }
    }
}

/// The configuration is being read again.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => debug!(target: "guesthouse::host", "the service manager was not told of a reload: {error}"),
    }
}

/// It was.
pub fn reloaded() {
    tell(&[NotifyState::Ready]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!(target: "guesthouse::host", "the service manager was not told: {error}");
    }
}

/// As in `3 live, 1 refused`.
fn line(status: &Status) -> String {
    let counts = status.counts();
    match status.alarms.first() {
        Some(alarm) => format!("{counts}; {alarm}"),
        None => counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_one_line() {
        assert_eq!(line(&Status::default()), "no apps");
        let full = Status { alarms: vec!["the disk is full".to_owned()], ..Status::default() };
        assert_eq!(line(&full), "no apps; the disk is full");
    }
}

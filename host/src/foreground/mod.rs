//! A host with somebody before it: signals are heeded, and what becomes live is shown.

use std::convert::Infallible;
use std::path::Path;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use guesthouse_deploy::DeployHandle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;

use crate::config::file::File;
use crate::foreground::announce::announce;
use crate::foreground::systemd::inform;
use crate::foreground::systemd::reloaded;
use crate::foreground::systemd::reloading;
use crate::host::Host;
use crate::host::HostEnd;
use crate::shutdown::Hangups;
use crate::shutdown::StopSignals;

pub mod announce;
mod systemd;

/// Says `greeting` on stdout and runs `host` until a signal, then says how the process shall end. A second signal ends it
/// at once, whoever does not read what is said.
pub async fn attend(host: Host, greeting: String, file: Option<PathBuf>, stop_signals: &mut StopSignals) -> ExitCode {
    let (endpoints, deploy, reread) = (host.endpoints(), host.deploy(), host.reread());
    let stop = CancellationToken::new();
    let mut running = pin!(host.run(stop.clone().cancelled_owned()));
    let mut announcing = pin!(announce(greeting, deploy.status(), endpoints));
    let mut informing = pin!(inform(deploy.status(), stop.clone()));
    let mut listening = pin!(reload_on_hangup(deploy, reread, file));
    loop {
        tokio::select! {
            ended = &mut running => return match ended {
                HostEnd::Stopped { .. } => ExitCode::SUCCESS,
                HostEnd::Failed => ExitCode::FAILURE,
            },
            signal = stop_signals.next() => {
                if stop.is_cancelled() {
                    info!(target: "guesthouse::host", "a second signal, {signal}: ended at once");
                    return ExitCode::from(signal.exit_code());
                }
                info!(target: "guesthouse::host", "{signal}: letting requests finish; once more ends at once");
                stop.cancel();
            }
            never = &mut announcing => match never {},
            never = &mut informing => match never {},
            never = &mut listening => match never {},
        }
    }
}

/// On every SIGHUP: the policy and the certificates are read again, and the folder is scanned.
async fn reload_on_hangup(deploy: DeployHandle, reread: Arc<Notify>, file: Option<PathBuf>) -> Infallible {
    let mut hangups = match Hangups::listen() {
        Ok(hangups) => hangups,
        Err(error) => {
            error!(target: "guesthouse::host", "SIGHUP cannot be heeded: {error}");
            std::future::pending().await
        }
    };
    loop {
        hangups.next().await;
        reloading();
        if let Some(file) = &file {
            reload_policy(&deploy, file);
        }
        info!(target: "guesthouse::host", "SIGHUP: looking into the apps folder");
        deploy.rescan();
        reread.notify_one();
        reloaded();
    }
}

/// Only `[policy]` can change while the host runs. With a mistake in the file, the policy that holds goes on holding.
fn reload_policy(deploy: &DeployHandle, file: &Path) {
    match File::read(file) {
        Ok(file) => {
            deploy.set_policy(file.policy.unwrap_or_default());
            info!(target: "guesthouse::host", "SIGHUP: read [policy] again; other changes of the file need a restart");
        }
        Err(error) => error!(target: "guesthouse::host", "SIGHUP: the policy stays as it was: {error:#}"),
    }
}

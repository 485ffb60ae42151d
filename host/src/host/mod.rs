//! The wiring: from a configuration to a running host, and its end.
//!
//! Every long-lived task is begun here, or from a tracker that is handed down from here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use guesthouse_app::internal::InternalApps;
use guesthouse_app::places::Places;
use guesthouse_app::routes::RouteReader;
use guesthouse_app::routes::routes;
use guesthouse_deploy::Deploy;
use guesthouse_deploy::DeployHandle;
use guesthouse_deploy::settings::DeploySettings;
use guesthouse_deploy::status::Status;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_serve::Ended;
use guesthouse_serve::admin::listener;
use guesthouse_serve::admin::listener::Asked;
use guesthouse_serve::admin::status::Watched;
use guesthouse_serve::compress::encoder::Encoders;
use guesthouse_serve::listen::inherited::Inherited;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::listen::listener::Listener;
use guesthouse_serve::listen::listener::ListenerProtocol;
use guesthouse_serve::settings::ServeSettings;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Config;
use crate::host::certificates::Keeping;

pub mod arenas;
mod certificates;
mod open_files;

/// A host whose listeners are bound but not accepted from yet.
pub struct Host {
    listeners: Vec<Listener>,
    /// Whether visitors wait in a socket that was passed to us.
    waits: bool,
    health: Option<Listener>,
    keeping: Option<Keeping>,
    reread: Arc<Notify>,
    serve: ServeSettings,
    routes: RouteReader,
    deploy: Deploy,
    handle: DeployHandle,
    guests: Arc<Sandbox>,
    tasks: TaskTracker,
}

/// How a host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEnd {
    /// Somebody asked for it; so many connections had to be cut when the grace was over.
    Stopped {
        /// Connections.
        cut: usize,
    },
    /// A path ended by itself, which is a bug of ours.
    Failed,
}

impl Host {
    /// Takes everything that can be refused (addresses, memory, the state directory). To be called within a runtime.
    pub fn bind(config: Config) -> anyhow::Result<Host> {
        Host::bind_with(config, Inherited::none())
    }

    /// The same, with sockets that were passed to this process.
    pub fn bind_with(config: Config, mut passed: Inherited) -> anyhow::Result<Host> {
        // First, so that a taken port is known before anything is set up.
        let mut bind = |endpoint: Endpoint| match endpoint.place {
            BindAddress::Inherited(number) => passed.take(number, endpoint.protocol),
            _ => Listener::bind(endpoint),
        };
        let waits = config.listen.iter().any(|endpoint| matches!(endpoint.place, BindAddress::Inherited(_)));
        let listeners = config.listen.into_iter().map(&mut bind).collect::<Result<Vec<Listener>, _>>()?;
        let keeping = Keeping::begin(config.tls, &config.deploy.origins)?;
        let (mut serve, mut deploy, mut sandbox) = (config.serve, config.deploy, config.sandbox);
        let descriptors = open_files::raise_limit();
        deploy.files_max = deploy.files_max.min(open_files::of_files(descriptors));
        let guests_files = &mut sandbox.capabilities.files;
        guests_files.open_files_max = guests_files.open_files_max.min(open_files::of_guests(descriptors));
        let outbound = &mut sandbox.capabilities.outbound;
        outbound.connections_max = outbound.connections_max.min(open_files::of_outbound(descriptors));
        listeners.iter().filter_map(|listener| listener.endpoint().tcp()).for_each(|address| outbound.own.add(address));
        let (own, internal) = (outbound.own.clone(), outbound.internal.clone());
        let others = [deploy.files_max, guests_files.open_files_max, outbound.connections_max];
        let others = others.into_iter().fold(0, usize::saturating_add);
        serve.connections_max = connections_that_fit(serve.connections_max, others, descriptors);
        let tasks = TaskTracker::new();
        let places = Places::new(sandbox.instances_max as usize, usize::MAX);
        let sandbox = Arc::new(Sandbox::new(sandbox, tasks.clone())?);
        let guests = sandbox.clone();
        let DeploySettings { origins, apps, .. } = &deploy;
        let (writer, routes) = routes(origins.clone());
        internal.set(Arc::new(InternalApps(routes.downgrade())));
        let about = format!("cannot serve the apps folder `{}`", apps.display());
        let (deploy, handle) = Deploy::open(deploy, sandbox, writer, places, tasks.clone()).context(about)?;
        // After the state directory's lock is taken: the socket in it may be another host's.
        let health = config.health.map(|place| match place {
            BindAddress::Inherited(number) => passed.take(number, ListenerProtocol::Http),
            _ => listener::bind(place),
        });
        let (health, reread) = (health.transpose()?, Arc::default());
        health.iter().filter_map(|listener| listener.endpoint().tcp()).for_each(|address| own.add(address));
        Ok(Host { listeners, waits, health, keeping, reread, serve, routes, deploy, handle, guests, tasks })
    }

    /// What was really bound, in the order in which it was asked for.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.listeners.iter().map(|listener| listener.endpoint().clone()).collect()
    }

    /// The TCP addresses among it.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.endpoint().tcp()).collect()
    }

    /// To be told when the files of certificates shall be read again, changed or not.
    pub fn reread(&self) -> Arc<Notify> {
        self.reread.clone()
    }

    /// Which apps there are, before and while the host runs.
    pub fn routes(&self) -> RouteReader {
        self.routes.clone()
    }

    /// A way to reach the deploy path, before and while the host runs.
    pub fn deploy(&self) -> DeployHandle {
        self.handle.clone()
    }

    /// Serves until `stop`, then drains and ends.
    pub async fn run(self, stop: impl Future<Output = ()>) -> HostEnd {
        let grace = self.serve.grace;
        let (stop_deploy, stop_serve, stop_health) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let (ready_sender, ready) = watch::channel(false);

        let mut deploying = self.tasks.spawn(self.deploy.run(stop_deploy.clone()));
        let opening = until_ready(self.handle.status(), self.waits, stop_serve.clone());
        let certificates = self.keeping.as_ref().map(|keeping| keeping.certificates.clone());
        let encoders = Encoders::new(self.serve.encoders_max);
        let (bounds, watched_encoders) = (self.handle.bounds(), encoders.clone());
        let watched = Watched { routes: self.routes.clone(), bounds, encoders: watched_encoders };
        let serving =
            guesthouse_serve::run(self.listeners, self.serve, certificates, self.routes, encoders, stop_serve.clone());
        let mut serving = self.tasks.spawn(async move {
            opening.await;
            serving.await
        });
        if let Some(keeping) = self.keeping {
            let tending = keeping.tend(self.reread, self.handle.status());
            let stop = stop_serve.clone();
            self.tasks.spawn(async move { stop.run_until_cancelled(tending).await });
        }
        let (guests, stop_guests) = (self.guests, stop_serve.clone());
        self.tasks.spawn(async move { stop_guests.run_until_cancelled(guests.tend()).await });
        self.tasks.spawn(tell_ready(self.handle.status(), ready_sender, stop_deploy.clone()));
        match self.health {
            Some(admin) => _ = self.tasks.spawn(listener::run(admin, Asked { ready, watched }, stop_health.clone())),
            None => {
                // Or `tell_ready` would wait for somebody to ask.
                drop(ready);
                info!(target: "guesthouse::host", "health is not offered: no --admin-listen");
            }
        }

        let asked = tokio::select! {
            () = stop => true,
            ended = &mut deploying => {
                error!(target: "guesthouse::host", "the deploy path ended by itself, a bug of guesthouse: {ended:?}");
                false
            }
            ended = &mut serving => {
                error!(
                    target: "guesthouse::host",
                    "the request path ended by itself, a bug of guesthouse: {ended:?}"
                );
                return HostEnd::Failed;
            }
        };
        // The order matters: nothing new is published, those who ask for readiness look elsewhere, and only then do we close.
        stop_deploy.cancel();
        stop_serve.cancel();
        let ended = serving.await;
        stop_health.cancel();
        self.tasks.close();
        // What is left has lost its visitors: drains that are waiting, a compile child that is being killed.
        if tokio::time::timeout(LEFTOVERS, self.tasks.wait()).await.is_err() {
            warn!(
                target: "guesthouse::host",
                "{} tasks had not ended {LEFTOVERS:?} after the last connection",
                self.tasks.len()
            );
        }
        report(ended, grace, asked)
    }
}

/// How long tasks may take to end once the last connection is gone.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// How long visitors are let wait for the apps. It takes milliseconds where they are compiled already.
const OPEN_AFTER: Duration = Duration::from_secs(5);

/// Where `waits`, visitors have been calling since before we came: they are accepted when there is somebody to answer.
async fn until_ready(mut status: watch::Receiver<Arc<Status>>, waits: bool, stop: CancellationToken) {
    if waits {
        let ready = tokio::time::timeout(OPEN_AFTER, status.wait_for(|status| status.ready));
        let _ = stop.run_until_cancelled(ready).await;
    }
}

/// Keeps `ready` true from the first time that all apps are decided on, until `stop`.
async fn tell_ready(mut status: watch::Receiver<Arc<Status>>, ready: watch::Sender<bool>, stop: CancellationToken) {
    let readiness = async {
        if status.wait_for(|status| status.ready).await.is_ok() {
            ready.send_replace(true);
        }
        std::future::pending::<()>().await
    };
    tokio::select! {
        () = readiness => {}
        () = stop.cancelled() => {
            ready.send_replace(false);
        }
    }
    // Health asks until the end, and a closed channel tells nothing.
    ready.closed().await;
}

fn report(ended: Result<Ended, JoinError>, grace: Duration, asked: bool) -> HostEnd {
    let cut = match ended {
        Ok(Ended { cut }) => cut,
        Err(error) => {
            error!(
                target: "guesthouse::host",
                "the request path failed while it ended, a bug of guesthouse: {error}"
            );
            return HostEnd::Failed;
        }
    };
    match cut {
        0 => info!(target: "guesthouse::host", "stopped gracefully: every request was finished"),
        _ => {
            warn!(
                target: "guesthouse::host",
                { connections.cut = cut },
                "stopped, not gracefully: {cut} connections were cut after {grace:?}"
            )
        }
    }
    if asked { HostEnd::Stopped { cut } } else { HostEnd::Failed }
}

/// Every connection needs a descriptor, beside the `others`; the host itself needs some.
fn connections_that_fit(wanted: usize, others: usize, descriptors: u64) -> usize {
    const OF_THE_HOST: usize = 128;
    let descriptors_max = usize::try_from(descriptors).unwrap_or(usize::MAX);
    let fit = descriptors_max.saturating_sub(OF_THE_HOST.saturating_add(others)).max(1);
    if fit < wanted {
        warn!(
            target: "guesthouse::host",
            "only {fit} connections at once instead of {wanted}: the limit of open files is {descriptors}"
        );
    }
    wanted.min(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_files_and_guests_never_use_up_the_open_files() {
        let check = |descriptors: u64, files: usize, guests: usize, connections: usize| {
            let files_max = open_files::of_files(descriptors).min(1024);
            let guests_max = open_files::of_guests(descriptors).min(65_536);
            let outbound_max = open_files::of_outbound(descriptors).min(4096);
            let fit = connections_that_fit(4096, files_max + guests_max + outbound_max, descriptors);
            assert_eq!((files_max, guests_max, fit), (files, guests, connections), "{descriptors}");
        };
        check(256, 32, 64, 16);
        check(1024, 128, 256, 448);
        check(65_536, 1024, 16_384, 4096);
        check(u64::MAX, 1024, 65_536, 4096);
        check(10, 1, 2, 1);
    }

    #[tokio::test]
    async fn readiness_comes_once_and_goes_with_the_stop() {
        let (status_sender, status) = watch::channel(Arc::new(Status::default()));
        let (ready_sender, mut ready) = watch::channel(false);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let telling = tasks.spawn(tell_ready(status, ready_sender, stop.clone()));
        assert!(!*ready.borrow());
        status_sender.send_replace(Arc::new(Status { ready: true, ..Status::default() }));
        ready.wait_for(|ready| *ready).await.unwrap();
        stop.cancel();
        ready.wait_for(|ready| !*ready).await.unwrap();
        drop(ready);
        telling.await.unwrap();
    }
}

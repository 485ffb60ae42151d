//! The deploy path: from files in the apps folder to routes.
//!
//! watch → scan → settle → load → validate → publish → retire
//!
//! One task (`deployer`) is woken, asks the `reconciler` what follows, and does it. The reconciler only decides; everything
//! that takes time is a job beside the task. Nothing but this task writes the route table, and nothing in the apps folder is
//! ever written to or mapped.

pub mod findings;
mod granted;
mod jobs;
mod pacing;
#[cfg(test)]
#[path = "../../../tests/harness/random.rs"]
mod random;
pub mod reason;
pub mod settings;
pub mod status;
pub mod trial;

mod deployer;

mod manifest_guard;

pub mod load;
pub mod prepare;
mod reconcile;
pub mod state_dir;
mod watch;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use guesthouse_app::bounds::Bounds;
use guesthouse_app::files::budget::BufferBudget;
use guesthouse_app::places::Places;
use guesthouse_app::request_buffer::RequestBuffers;
use guesthouse_app::response_buffer::buffers::ResponseBuffers;
use guesthouse_app::routes::RouteWriter;
use guesthouse_manifest::policy::Policy;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_types::private;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::watch as tokio_watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::deployer::Deployer;
use crate::prepare::admissions::Admissions;
use crate::prepare::artefacts::Artefacts;
use crate::prepare::compile::Compiler;
use crate::prepare::guest_folders::GuestFolders;
use crate::prepare::packs::Packs;
use crate::prepare::validate::Validator;
use crate::reconcile::event::Rules;
use crate::reconcile::reconciler::Reconciler;
use crate::reconcile::record;
use crate::settings::DeploySettings;
use crate::state_dir::journal::Journal;
use crate::state_dir::lock::Lock;
use crate::state_dir::store::Store;
use crate::state_dir::unwritable::unwritable;
use crate::status::Status;
use crate::trial::Trial;

/// How often a file is read again although nothing seems to have changed: a clock that was set back, or a network file
/// system, can hide a change from everything but its digest.
const CHECK: Duration = Duration::from_secs(60);

/// In the state directory: where bodies wait for slow visitors, in files without names.
const BUFFERS: &str = "buffers";

/// The deploy path, ready to run.
pub struct Deploy {
    deployer: Deployer,
    lock: Arc<Lock>,
}

/// A way to reach the running deploy path.
#[derive(Clone)]
pub struct DeployHandle {
    rescan: Arc<Notify>,
    policy: tokio_watch::Sender<Arc<Policy>>,
    status: tokio_watch::Receiver<Arc<Status>>,
    bounds: Bounds,
}

/// Why the deploy path cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The apps folder is not there, and the state does not know it either.
    #[error("{0}")]
    Apps(String),
    /// The state directory cannot be used, or another host uses it.
    #[error("{0}")]
    State(String),
}

impl Deploy {
    /// Checks the folder, takes the state directory's lock, reads what was known.
    /// `places` bounds the requests of the whole host; `tasks` tracks drains and compile children.
    pub fn open(
        settings: DeploySettings,
        sandbox: Arc<Sandbox>,
        routes: RouteWriter,
        places: Arc<Places>,
        tasks: TaskTracker,
    ) -> Result<(Deploy, DeployHandle), DeployError> {
        let (lock, store, packs, folders) = open_state(&settings)?;
        let (journal, damage) = Journal::read(&settings.state);
        if journal.apps.is_empty() {
            check_apps(&settings.apps)?;
        }
        let mut alarms = BTreeMap::new();
        if let Some(damage) = damage {
            tracing::error!(target: "guesthouse::deploy", "{damage}");
            alarms.insert("journal", damage);
        }
        let (remembered, owners) = record::remembered(&journal, &record::judge(&settings.policy, &settings.compile));
        let rules = Rules {
            settle: settings.settle,
            removal_grace: settings.removal_grace,
            check: CHECK,
            component_bytes_max: settings.component_bytes_max,
            origins: settings.origins.clone(),
        };
        let artefacts = Artefacts::new(store.clone(), Compiler::new(settings.compile.clone()), packs);
        let validator = validator(&settings, sandbox, store, artefacts, folders, places);
        let (policy, policy_seen) = tokio_watch::channel(Arc::new(settings.policy.clone()));
        let (status, status_seen) = tokio_watch::channel(Arc::default());
        let handle = DeployHandle { rescan: Arc::default(), policy, status: status_seen, bounds: validator.bounds() };
        let lock = Arc::new(lock);
        let deployer = Deployer {
            settings,
            lock: lock.clone(),
            routes,
            reconciler: Reconciler::new(rules, remembered, owners, journal.device),
            validator,
            tasks,
            rescan: handle.rescan.clone(),
            policy: policy_seen,
            status,
            alarms,
        };
        Ok((Deploy { deployer, lock }, handle))
    }

    /// Keeps the route table true to the folder until `stop`. Never ends on its own.
    pub async fn run(self, stop: CancellationToken) {
        self.deployer.run(stop).await;
        // A write that nobody waits for may still have a hand on it.
        self.lock.give_back();
    }
}

impl DeployHandle {
    /// Scan now, and try again what was refused (SIGHUP).
    pub fn rescan(&self) {
        self.rescan.notify_one();
    }

    /// The operator allows something else from now on (SIGHUP): refused revisions are looked at again, and what serves is
    /// made anew under it. The same policy as before changes nothing.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.send_if_modified(|now| {
            let is_other = **now != policy;
            if is_other {
                *now = Arc::new(policy);
            }
            is_other
        });
    }

    /// What all apps share.
    pub fn bounds(&self) -> Bounds {
        self.bounds.clone()
    }

    /// What is known of every app; changes whenever something happens.
    pub fn status(&self) -> tokio_watch::Receiver<Arc<Status>> {
        self.status.clone()
    }
}

/// The steps for single files, without a folder and without a route table. `settings.state` is a folder for this alone.
pub fn trial(settings: DeploySettings, sandbox: Arc<Sandbox>, places: Arc<Places>) -> Result<Trial, DeployError> {
    let (lock, store, packs, folders) = open_state(&settings)?;
    let artefacts = Artefacts::new(store.clone(), Compiler::new(settings.compile.clone()), packs);
    let validator = validator(&settings, sandbox, store, artefacts, folders, places);
    Ok(Trial { settings, validator, _lock: lock })
}

fn validator(
    settings: &DeploySettings,
    sandbox: Arc<Sandbox>,
    store: Store,
    artefacts: Artefacts,
    folders: GuestFolders,
    places: Arc<Places>,
) -> Arc<Validator> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Validator {
        sandbox,
        store,
        folders,
        artefacts,
        admissions: Admissions::new(places),
        secrets: settings.secrets.clone(),
        variables: settings.variables.clone(),
        apps: settings.apps.clone(),
        roots: settings.roots.clone(),
        room: BufferBudget::new(settings.files_max),
        request_buffers: RequestBuffers::new(settings.state.join(BUFFERS), settings.upload_bytes_max),
        response_buffers: ResponseBuffers::with_files(settings.state.join(BUFFERS), settings.response_bytes_max),
        kinds: Mutex::default(),
        at_once: Semaphore::new(cores * 2),
    })
}

fn open_state(settings: &DeploySettings) -> Result<(Lock, Store, Packs, GuestFolders), DeployError> {
    let DeploySettings { apps, state, sources, .. } = settings;
    let error =
        |error: io::Error| DeployError::State(format!("cannot use the state directory `{}`: {error}", state.display()));
    if !state.exists() {
        private::folder(state).map_err(|error| DeployError::State(unwritable(state, &error)))?;
    }
    let real = std::fs::canonicalize(state).map_err(error)?;
    private::owned(&real).map_err(error)?;
    // Else every write of ours would look like a drop.
    if std::fs::canonicalize(apps).is_ok_and(|apps| real.starts_with(apps)) {
        return Err(DeployError::State(format!(
            "the state directory `{}` lies in the apps folder: choose another with --state",
            state.display()
        )));
    }
    private::folder(&state.join(BUFFERS)).map_err(|error| DeployError::State(unwritable(state, &error)))?;
    let lock = Lock::take(state).map_err(DeployError::State)?;
    let store = Store::open(state).map_err(error)?;
    let shared = settings.functions.clone().unwrap_or_else(|| state.join("functions"));
    let packs = Packs::open(shared, state.join("cache")).map_err(error)?;
    let folders = GuestFolders::open(&real, sources.clone()).map_err(error)?;
    Ok((lock, store, packs, folders))
}

/// Without a memory of it, a folder that cannot be seen is a typing error rather than a volume that is not mounted.
fn check_apps(apps: &Path) -> Result<(), DeployError> {
    match std::fs::read_dir(apps) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = apps.display();
            Err(DeployError::Apps(format!(
                "`{folder}` does not exist. Make it with `mkdir -p {folder}` and put components into it (`shop.wasm`), or name \
                 another folder: `guesthouse serve FOLDER`. For an app to put there: `guesthouse new shop`"
            )))
        }
        Err(error) => Err(DeployError::Apps(format!("cannot read the apps folder `{}`: {error}", apps.display()))),
    }
}

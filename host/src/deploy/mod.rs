//! The drop street: from files in the apps folder to routes.
//!
//! watch → scan → load → validate → publish

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_sandbox::engine::Sandbox;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::name::AppName;
use crate::name::Revision;
use crate::routes::Origins;
use crate::routes::RouteWriter;

/// What the drop street is told once.
#[derive(Clone, Debug)]
pub struct DeploySettings {
    /// The watched folder.
    pub apps: PathBuf,
    /// The state directory: private store, compiled cache, `state.json`, `status.json`, lock.
    pub state: PathBuf,
    /// Folders outside the apps folder that links in it may lead to.
    pub roots: Vec<PathBuf>,
    /// How changes are noticed.
    pub watch: WatchMode,
    /// How long a written file must have stood still.
    pub settle: Duration,
    /// How often the folder is scanned in any case.
    pub rescan: Duration,
    /// How long a file must have been gone before its app is undeployed.
    pub removal_grace: Duration,
    /// The largest component that is read, in bytes.
    pub component_bytes_max: u64,
    /// The most that store and cache hold beside what is live or in standby, in bytes.
    pub store_bytes_max: u64,
    /// How components are compiled.
    pub compile: CompileSettings,
    /// What the operator allows.
    pub policy: policy::Policy,
    /// Where `{ file = "name" }` in a manifest is looked up.
    pub secrets: Option<PathBuf>,
    /// Which hosts are ours.
    pub origins: Origins,
}

/// How components are compiled: in a child process, within bounds.
#[derive(Clone, Debug)]
pub struct CompileSettings {
    /// The program to start: it is called as `<program> compile …`.
    pub program: PathBuf,
    /// How long one compilation may take.
    pub deadline: Duration,
    /// How much address space the child may use, in bytes.
    pub memory_bytes_max: u64,
    /// How many may run at once.
    pub at_once: usize,
}

/// How changes in the apps folder are noticed. A periodic scan runs in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// Events where the file system has them, else polling.
    Auto,
    /// Events, with a warning where they cannot work.
    Events,
    /// Looking every second.
    Poll,
}

/// The drop street, ready to run.
pub struct Deploy {}

/// A way to reach the running drop street.
#[derive(Clone)]
pub struct DeployHandle {}

/// Why the drop street cannot begin.
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
    /// `permits` bounds the requests of the whole host; `tasks` tracks drains and compile children.
    pub fn open(
        _settings: DeploySettings,
        _sandbox: Arc<Sandbox>,
        _routes: RouteWriter,
        _permits: Arc<Semaphore>,
        _tasks: TaskTracker,
    ) -> Result<(Deploy, DeployHandle), DeployError> {
        todo!()
    }

    /// Keeps the route table true to the folder until `stop`. Never ends on its own.
    pub async fn run(self, _stop: CancellationToken) {
        todo!()
    }
}

impl DeployHandle {
    /// Scan now (SIGHUP).
    pub fn rescan(&self) {
        todo!()
    }

    /// The operator allows something else from now on (SIGHUP): refused revisions are looked at again.
    pub fn set_policy(&self, _policy: policy::Policy) {
        todo!()
    }

    /// What is known of every app; changes whenever something happens.
    pub fn status(&self) -> watch::Receiver<Arc<Status>> {
        todo!()
    }
}

/// What is known of every app. The same as in `status.json`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Status {
    /// Whether everything that was in the folder at start has been decided on.
    pub ready: bool,
    /// What needs an operator's eye: the folder is gone, events do not work, the disk is full …
    pub alarms: Vec<String>,
    /// Every app that is in the folder or serves.
    pub apps: BTreeMap<String, AppStatus>,
}

/// What is known of one app.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AppStatus {
    /// Where its newest content is in its life.
    pub state: AppState,
    /// Why it is there, when that is not plain (pending, refused, conflict).
    pub why: Option<String>,
    /// The revision that serves, if one does.
    pub live: Option<Revision>,
    /// The revision kept ready behind it.
    pub standby: Option<Revision>,
    /// The URLs' hosts and prefixes that lead to it, most telling first, as in `shop.localhost/` and `/shop/`.
    pub routes: Vec<String>,
}

/// The life of an app's newest content (design, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AppState {
    /// Written to a moment ago.
    Settling,
    /// Not complete yet: waits for the rest.
    Pending,
    /// Being read, compiled and tried.
    Loading,
    /// Serves.
    Live,
    /// Will not be served; what served before goes on.
    Refused,
    /// Wants a route that another app holds.
    Conflict,
}

pub mod policy;

#[expect(dead_code, reason = "stub")]
fn unused(_: AppName) {}

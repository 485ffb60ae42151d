//! What the deploy path is told once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use guesthouse_app::routes::Origins;
use guesthouse_manifest::policy::Policy;
use guesthouse_types::name::AppName;

/// What the deploy path is told once.
#[derive(Clone, Debug)]
pub struct DeploySettings {
    /// The watched folder.
    pub apps: PathBuf,
    /// The state directory: private store, compiled cache, `state.json`, `status.json`, lock.
    pub state: PathBuf,
    /// Where the functions of runtimes are kept, which hosts may share; in the state directory where nothing else is said.
    pub functions: Option<PathBuf>,
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
    /// Static files that are sent at once, each with a piece in memory and a descriptor; many more where they are small.
    pub files_max: usize,
    /// What bodies of requests may take on the disk while they arrive, in bytes: half of it for one app, a quarter for one visitor.
    pub upload_bytes_max: u64,
    /// The same for responses that are written and not read.
    pub response_bytes_max: u64,
    /// How components are compiled.
    pub compile: CompileSettings,
    /// What the operator allows.
    pub policy: Policy,
    /// Where `{ file = "name" }` in a manifest is looked up.
    pub secrets: Option<PathBuf>,
    /// Which hosts are ours.
    pub origins: Origins,
    /// How many lines of the log were dropped, for the status.
    pub log_lines_dropped: fn() -> u64,
    /// Apps whose source is mounted over their code, and where it lies. Only `dev` has some.
    pub sources: BTreeMap<AppName, PathBuf>,
    /// Variables that apps have besides those of their manifests, which count more. Only `dev` has some.
    pub variables: BTreeMap<AppName, BTreeMap<String, String>>,
}

/// The exit code of the program that compiles, when nothing is wrong with the component as far as it knows: it is worth
/// trying again. 1 is the component's fault.
pub const COMPILE_TROUBLE: u8 = 3;

/// How components are compiled: in a child process, within bounds.
#[derive(Clone, Debug)]
pub struct CompileSettings {
    /// The program to start: it is called as `<program> compile …`.
    pub program: PathBuf,
    /// How long one compilation may take with the machine for itself: so much CPU time on each core, and five times as
    /// long in all.
    pub deadline: Duration,
    /// How much address space the child may use, in bytes.
    pub memory_bytes_max: u64,
    /// How many may run at once.
    pub at_once: usize,
}

/// How changes in the apps folder are noticed. A periodic scan runs in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// Events, and polling as well where the file system may not send them.
    Auto,
    /// Events, with an alarm where they may not work.
    Events,
    /// Looking every second.
    Poll,
}

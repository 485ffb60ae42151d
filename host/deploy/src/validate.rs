//! From content in the store to an app that can serve: inspected, compiled, linked, and tried once.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use guesthouse_app::app::App;
use guesthouse_app::files::Files;
use guesthouse_app::files::room::Room;
use guesthouse_component::inspect::Class;
use guesthouse_component::inspect::Inspection;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::inspect;
use guesthouse_sandbox::engine::PrepareError;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_sandbox::engine::SandboxError;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::folder::Folders;
use guesthouse_sandbox::guest::Guest;
use guesthouse_sandbox::settings::GuestSettings;
use guesthouse_sandbox::target::Target;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;
use guesthouse_types::units::Size;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::admissions::Admissions;
use crate::artefacts::Artefacts;
use crate::artefacts::Code;
use crate::compile::CompileError;
use crate::fact::Made;
use crate::guest_folders::GuestFolders;
use crate::life::Ready;
use crate::manifest::Manifest;
use crate::policy::Policy;
use crate::policy::Terms;
use crate::reason::readable;
use crate::secrets;
use crate::section::Section;
use crate::statics;
use crate::statics::Beside;
use crate::store::Store;

/// A guest that does nothing for this long in its first instance will not serve either.
const PROBE_MAX: Duration = Duration::from_secs(30);

/// Everything that it takes to make a revision ready.
pub struct Validator {
    /// Where guests live.
    pub sandbox: Arc<Sandbox>,
    /// Where content and artefacts are.
    pub store: Store,
    /// Where the folders are that guests see.
    pub folders: GuestFolders,
    /// What they are compiled to.
    pub artefacts: Artefacts,
    /// Bounds the requests.
    pub admissions: Admissions,
    /// Where secrets are looked up.
    pub secrets: Option<PathBuf>,
    /// The apps folder, in which the static folders lie.
    pub apps: PathBuf,
    /// Where else links among them may lead.
    pub roots: Vec<PathBuf>,
    /// Where pieces of static files are while they are sent.
    pub room: Room,
    /// The kinds of artefact in use. Held for one look only; no await is inside.
    pub kinds: Mutex<BTreeSet<String>>,
    /// Bounds how many are looked into, loaded and tried at once, so that a start with a thousand apps is no stampede.
    pub at_once: Semaphore,
}

/// What becomes known of a revision while it is made ready, for who asks rather than serves.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What it is given.
    pub terms: Option<Terms>,
    /// How long it took to compile; nothing when that had been done before.
    pub compiled_in: Option<Duration>,
    /// What it was compiled to, in bytes.
    pub compiled_bytes: Option<u64>,
    /// How long its first instance took, with its health if it tells.
    pub first_instance: Option<Duration>,
}

/// The right to go on with one revision, which is given back while it is compiled.
type Turn<'v> = Option<SemaphorePermit<'v>>;

/// What is to be made ready.
pub struct Wanted {
    /// The app.
    pub name: AppName,
    /// Its content, which is in the store.
    pub revision: Revision,
    /// Its outline, if it is known already.
    pub inspection: Option<Box<Inspection>>,
    /// Where its static folders are looked for.
    pub beside: Beside,
}

/// Why a revision is not ready.
enum Stop {
    /// It will not be: remembered.
    Refused(String),
    /// It may be later.
    Trouble(String),
}

impl From<CompileError> for Stop {
    fn from(error: CompileError) -> Stop {
        match error {
            CompileError::Refused(why) => Stop::Refused(why),
            CompileError::Trouble(why) => Stop::Trouble(why),
        }
    }
}

/// Tells an app that its source is mounted and its visitors are its authors, who may see what failed.
const LIVE: &str = "GUESTHOUSE_LIVE";

/// What one revision is to be made of.
struct Plan {
    name: AppName,
    revision: Revision,
    terms: Terms,
    environment: Vec<(String, String)>,
    folders: Folders,
    files: Files,
    inspection: Inspection,
    code_bytes: u64,
}

impl Validator {
    /// Makes `revision` ready. Dropping the future stops it, and kills a compile child.
    pub async fn make(
        self: Arc<Self>,
        name: AppName,
        revision: Revision,
        inspection: Option<Box<Inspection>>,
        policy: Arc<Policy>,
    ) -> Made<Arc<App>> {
        let beside = self.beside(&name);
        self.make_noting(Wanted { name, revision, inspection, beside }, policy, &mut Findings::default()).await
    }

    /// Where the static folders of an app in the apps folder lie.
    fn beside(&self, name: &AppName) -> Beside {
        let parent = name.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
        let roots = std::iter::once(&self.apps).chain(&self.roots).cloned().collect();
        Beside { folder: self.apps.join(parent), roots }
    }

    /// The same, and what becomes known on the way is noted in `findings`, however far it gets.
    pub async fn make_noting(
        self: Arc<Self>,
        wanted: Wanted,
        policy: Arc<Policy>,
        findings: &mut Findings,
    ) -> Made<Arc<App>> {
        // Each goes its whole way in one turn, but for the compiler: the first serve before the last are looked at, and
        // what is half made is little.
        let mut turn = self.at_once.acquire().await.ok();
        // Made now that it is needed: it is large, and many wait for a turn.
        let ready = Box::pin(self.ready(wanted, policy, findings, &mut turn));
        match ready.await {
            Ok(ready) => Made::Ready(ready),
            Err(Stop::Refused(why)) => Made::Refused(readable(&why)),
            Err(Stop::Trouble(why)) => Made::Trouble(readable(&why)),
        }
    }

    async fn ready<'v>(
        self: &'v Arc<Self>,
        wanted: Wanted,
        policy: Arc<Policy>,
        findings: &mut Findings,
        turn: &mut Turn<'v>,
    ) -> Result<Ready<Arc<App>>, Stop> {
        let this = self.clone();
        let plan = blocking(move || this.plan(wanted, &policy)).await?;
        findings.terms = Some(plan.terms.clone());
        let settings = GuestSettings {
            app: plan.name.to_string(),
            revision: plan.revision.to_string(),
            limits: plan.terms.bounds.guest.clone(),
            instances: plan.terms.instances.clone(),
            environment: plan.environment.clone(),
            folders: plan.folders.clone(),
            log_lines_per_second_max: plan.terms.bounds.log_lines_per_second_max,
        };
        let guest = match self.prepare(&plan, settings.clone(), findings, turn).await? {
            Ok(guest) => guest,
            Err(why) => {
                // It was made by another host or is damaged in a way that its checksum does not show. Once more, afresh.
                tracing::warn!(
                    target: "guesthouse::deploy",
                    { app.name = %plan.name },
                    "`{}`: its compiled artefact is made again: {why}",
                    plan.name
                );
                self.store.drop_artefact(plan.revision.code, &self.kind(plan.inspection.class)?.1);
                self.prepare(&plan, settings, findings, turn).await?.map_err(Stop::Trouble)?
            }
        };
        findings.first_instance = Some(self.probe(&guest, plan.terms.bounds.guest.head.min(PROBE_MAX)).await?);
        let mut limits = plan.terms.bounds.app;
        let admission = self.admissions.share(&plan.name, &mut limits);
        let revision = plan.revision;
        let mut app = App::new(plan.name, revision, limits, guest, admission);
        app.compress = plan.terms.compress;
        app.files = plan.files;
        Ok(Ready { revision, routes: plan.terms.routes, guest: Arc::new(app) })
    }

    /// What is asked for, what is allowed, and whether they fit. Blocks.
    fn plan(&self, wanted: Wanted, policy: &Policy) -> Result<Plan, Stop> {
        let Wanted { name, revision, inspection, beside } = wanted;
        let lost = || Stop::Trouble("its content is no longer in the state directory".to_owned());
        let manifest = match revision.manifest {
            Some(digest) => {
                let bytes = self.store.manifest(digest).ok_or_else(lost)?;
                Manifest::parse(&format!("{name}.toml"), &bytes).map_err(Stop::Refused)?
            }
            None => Manifest::default(),
        };
        let inspection = match inspection {
            Some(inspection) => *inspection,
            None => {
                let code = self.store.code(revision.code).ok_or_else(lost)?;
                inspect(&code).map_err(|error| Stop::Refused(error.to_string()))?
            }
        };
        let section = Section::parse(inspection.settings.as_deref().unwrap_or_default()).map_err(Stop::Refused)?;
        let terms = policy.terms(&name, &manifest, &section).map_err(Stop::Refused)?;
        if !terms.lowered.is_empty() {
            let lowered = terms.lowered.join(", ");
            tracing::debug!(
                target: "guesthouse::deploy",
                { app.name = %name },
                "`{name}`: its component asks for more than is allowed: {lowered}"
            );
        }
        if terms.instances.concurrent_max > 1 && inspection.lane != Lane::Http03 {
            return Err(Stop::Refused(format!(
                "asks for `concurrent = {}` in `[instances]`, but is called through {}, where an instance answers one \
                 request at a time (leave it out, or build the app for wasi:http 0.3)",
                terms.instances.concurrent_max, inspection.lane
            )));
        }
        let mut environment = secrets::resolve(&terms.environment, self.secrets.as_deref())
            .map_err(|missing| Stop::Trouble(missing.to_string()))?;
        if self.folders.is_live(&name) {
            environment.push((LIVE.to_owned(), "1".to_owned()));
        }
        let files = statics::files(&terms.statics, &beside, self.room.clone()).map_err(Stop::Trouble)?;
        let (needs, has) = (inspection.memory_bytes_min, terms.bounds.guest.memory_bytes_max);
        if needs > has {
            let (needs, has) = (Size(needs), Size(has));
            return Err(Stop::Refused(format!(
                "needs {needs} of memory to start, and has {has}: ask for more with `memory` under `[limits]` in `{}.toml`",
                name.as_str()
            )));
        }
        let folders = self.folders.of(&name, &terms);
        let folders = folders.map_err(|error| Stop::Trouble(self.store.unwritable(&error)))?;
        let code_bytes = std::fs::metadata(self.store.code_path(revision.code)).map_err(|_| lost())?.len();
        Ok(Plan { name, revision, terms, environment, folders, files, inspection, code_bytes })
    }

    /// The inner error is an artefact that cannot be used.
    async fn prepare<'v>(
        self: &'v Arc<Self>,
        plan: &Plan,
        settings: GuestSettings,
        findings: &mut Findings,
        turn: &mut Turn<'v>,
    ) -> Result<Result<Guest, String>, Stop> {
        let artefact = self.artefact(plan, findings, turn).await?;
        let (this, inspection) = (self.clone(), plan.inspection.clone());
        let prepared = blocking(move || Ok(this.sandbox.prepare(&artefact, &inspection, settings))).await?;
        match prepared {
            Ok(guest) => Ok(Ok(guest)),
            Err(PrepareError::Artefact(why)) => Ok(Err(why)),
            Err(error @ (PrepareError::Sandbox(_) | PrepareError::Folders(_))) => Err(Stop::Trouble(error.to_string())),
            Err(error @ (PrepareError::Link(_) | PrepareError::Resources(_))) => Err(Stop::Refused(error.to_string())),
        }
    }

    /// The compiled form, from the cache or made now.
    async fn artefact<'v>(
        self: &'v Arc<Self>,
        plan: &Plan,
        findings: &mut Findings,
        turn: &mut Turn<'v>,
    ) -> Result<PathBuf, Stop> {
        let (target, kind) = self.kind(plan.inspection.class)?;
        let (app, digest, bytes) = (plan.name.clone(), plan.revision.code, plan.code_bytes);
        let code = Code { app, digest, bytes, target, kind };
        if let Some(path) = self.artefacts.cached(&code).await {
            return Ok(path);
        }
        // The compiler has a bound of its own, and may take minutes.
        *turn = None;
        let (path, compiled) = self.artefacts.make(&code).await?;
        if let Some(compiled) = compiled {
            findings.compiled_in = Some(compiled.took);
            findings.compiled_bytes = Some(compiled.bytes);
        }
        *turn = self.at_once.acquire().await.ok();
        Ok(path)
    }

    /// Says how long the first instance took.
    async fn probe(&self, guest: &Guest, deadline: Duration) -> Result<Duration, Stop> {
        let begun = Instant::now();
        match tokio::time::timeout(deadline, Box::pin(guest.probe())).await {
            Ok(Ok(())) => Ok(begun.elapsed()),
            // The house is full: nothing that the component can help.
            Ok(Err(fault @ Fault::Full(_))) => Err(Stop::Trouble(fault.to_string())),
            Ok(Err(fault)) => Err(Stop::Refused(told(&fault))),
            Err(_) => Err(Stop::Refused(format!(
                "its first instance was not ready after {deadline:?}: what it does before its first request must be short"
            ))),
        }
    }

    /// Which artefacts are loaded now: part of their names in the cache.
    pub fn kinds(&self) -> Vec<String> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Asked only for a class that is needed: an engine that nobody needs is never made.
    fn kind(&self, class: Class) -> Result<(Target, String), Stop> {
        let trouble = |error: SandboxError| Stop::Trouble(error.to_string());
        let target = self.sandbox.target(class).map_err(trouble)?;
        let compatibility = self.sandbox.compatibility(class).map_err(trouble)?;
        let kind = format!("{target}-{compatibility}");
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.clone());
        Ok((target, kind))
    }
}

/// A fault in a first instance, with its backtrace, which is all that an author has to go by.
fn told(fault: &Fault) -> String {
    const WHEN: &str = "(before any request: in its initialisers, or in its `health`)";
    match fault.backtrace() {
        Some(backtrace) => format!("its first instance failed: {fault} {WHEN}\n{backtrace}"),
        None => format!("its first instance failed: {fault} {WHEN}"),
    }
}

/// Runs file work where it may block. A panic in there is a bug of ours, but not the end of the host.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Stop> + Send + 'static) -> Result<T, Stop> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Stop::Refused("the host failed while it looked at it: this is a bug of guesthouse".to_owned())),
    }
}

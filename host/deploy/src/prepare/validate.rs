//! From content in the store to an app that can serve: inspected, compiled, linked, and tried once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use guesthouse_app::app::App;
use guesthouse_app::blocking::blocking;
use guesthouse_app::bounds::Bounds;
use guesthouse_app::files::Files;
use guesthouse_app::files::budget::BufferBudget;
use guesthouse_app::request_buffer::RequestBuffers;
use guesthouse_app::response_buffer::buffers::ResponseBuffers;
use guesthouse_component::inspect::Class;
use guesthouse_component::inspect::Inspection;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::SETTINGS_SECTION;
use guesthouse_component::inspect::inspect;
use guesthouse_manifest::asked::Manifest;
use guesthouse_manifest::policy::Policy;
use guesthouse_manifest::section::Section;
use guesthouse_manifest::terms::Terms;
use guesthouse_sandbox::capability::CapabilitySettings;
use guesthouse_sandbox::capability::wasi::WasiSettings;
use guesthouse_sandbox::engine::PrepareError;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_sandbox::engine::SandboxError;
use guesthouse_sandbox::engine::target::Target;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::guest::Guest;
use guesthouse_sandbox::settings::GuestSettings;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;
use guesthouse_types::units::Size;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::findings::Findings;
use crate::granted::app_limits;
use crate::granted::guest_instances;
use crate::granted::guest_limits;
use crate::granted::guest_outbound;
use crate::prepare::admissions::Admissions;
use crate::prepare::artefacts::Artefacts;
use crate::prepare::artefacts::Code;
use crate::prepare::guest_folders::GuestFolders;
use crate::prepare::secrets;
use crate::prepare::statics;
use crate::prepare::statics::StaticRoot;
use crate::reason::Failure;
use crate::reason::ReasonCode;
use crate::reconcile::tracked_app::Ready;
use crate::state_dir::store::Store;

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
    /// Variables that apps have besides those of their manifests.
    pub variables: BTreeMap<AppName, BTreeMap<String, String>>,
    /// The apps folder, in which the static folders lie.
    pub apps: PathBuf,
    /// Where else links among them may lead.
    pub roots: Vec<PathBuf>,
    /// Where pieces of static files are while they are sent.
    pub room: BufferBudget,
    /// Where bodies of requests wait until their guest is called.
    pub request_buffers: RequestBuffers,
    /// Where what guests have written waits for visitors.
    pub response_buffers: ResponseBuffers,
    /// The kinds of artefact in use. Held for one look only; no await is inside.
    pub kinds: Mutex<BTreeSet<String>>,
    /// Bounds how many are looked into, loaded and tried at once, so that a start with a thousand apps is no stampede.
    pub at_once: Semaphore,
}

/// The right to go on with one revision, which is given back while it is compiled.
type PreparePermit<'v> = Option<SemaphorePermit<'v>>;

/// What is to be made ready.
pub struct PrepareRequest {
    /// The app.
    pub name: AppName,
    /// Its content, which is in the store.
    pub revision: Revision,
    /// Its outline, if it is known already.
    pub inspection: Option<Box<Inspection>>,
    /// Where its static folders are looked for.
    pub beside: StaticRoot,
}

/// Tells an app that its source is mounted, and where its author has it: he is who visits, and may see what failed.
const LIVE: &str = "GUESTHOUSE_LIVE";

/// What one revision is to be made of.
struct Plan {
    name: AppName,
    revision: Revision,
    terms: Terms,
    capabilities: CapabilitySettings,
    files: Files,
    inspection: Inspection,
    code_bytes: u64,
}

impl Validator {
    /// What all that it makes share.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            places: self.admissions.places(),
            files: self.room.clone(),
            requests: self.request_buffers.clone(),
            responses: self.response_buffers.clone(),
        }
    }

    /// Makes `revision` ready. Dropping the future stops it, and kills a compile child.
    pub async fn make(
        self: Arc<Self>,
        name: AppName,
        revision: Revision,
        inspection: Option<Box<Inspection>>,
        policy: Arc<Policy>,
    ) -> Result<Ready<Arc<App>>, Failure> {
        let beside = self.beside(&name);
        self.make_noting(PrepareRequest { name, revision, inspection, beside }, policy, &mut Findings::default()).await
    }

    /// Where the static folders of an app in the apps folder lie.
    fn beside(&self, name: &AppName) -> StaticRoot {
        let parent = name.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
        let roots = std::iter::once(&self.apps).chain(&self.roots).cloned().collect();
        StaticRoot { folder: self.apps.join(parent), roots }
    }

    /// The same, and what becomes known on the way is noted in `findings`, however far it gets.
    pub async fn make_noting(
        self: Arc<Self>,
        wanted: PrepareRequest,
        policy: Arc<Policy>,
        findings: &mut Findings,
    ) -> Result<Ready<Arc<App>>, Failure> {
        // Each goes its whole way in one turn, but for the compiler: the first serve before the last are looked at, and
        // what is half made is little.
        let mut permit = self.at_once.acquire().await.ok();
        // Made now that it is needed: it is large, and many wait for a turn.
        let ready = Box::pin(self.ready(wanted, policy, findings, &mut permit));
        ready.await.map_err(Failure::readable)
    }

    async fn ready<'v>(
        self: &'v Arc<Self>,
        wanted: PrepareRequest,
        policy: Arc<Policy>,
        findings: &mut Findings,
        permit: &mut PreparePermit<'v>,
    ) -> Result<Ready<Arc<App>>, Failure> {
        let this = self.clone();
        let plan = file_work(move || this.plan(wanted, &policy)).await?;
        findings.terms = Some(plan.terms.clone());
        let settings = GuestSettings {
            app: plan.name.to_string(),
            revision: plan.revision.to_string(),
            limits: guest_limits(&plan.terms.limits),
            instances: guest_instances(&plan.terms.instances),
            capabilities: plan.capabilities.clone(),
            log_lines_per_second_max: plan.terms.limits.log_lines_per_second,
        };
        let guest = match self.prepare(&plan, settings.clone(), findings, permit).await? {
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
                self.prepare(&plan, settings, findings, permit)
                    .await?
                    .map_err(|why| Failure::retry(ReasonCode::Artefact, why))?
            }
        };
        findings.first_instance = Some(self.probe(&plan.name, &guest, plan.terms.limits.head.0.min(PROBE_MAX)).await?);
        let mut limits = app_limits(&plan.terms.limits);
        let admission = self.admissions.share(&plan.name, &mut limits);
        let revision = plan.revision;
        let mut app = App::new(plan.name, revision, limits, guest, admission);
        app.compress = plan.terms.compress;
        app.callers = plan.terms.internal.callers;
        app.files = plan.files;
        app.buffer = plan.terms.buffer;
        app.request_buffers = Some(self.request_buffers.clone());
        app.response_buffers = self.response_buffers.clone();
        Ok(Ready { revision, routes: plan.terms.routes, guest: Arc::new(app) })
    }

    /// What is asked for, what is allowed, and whether they fit. Blocks.
    fn plan(&self, wanted: PrepareRequest, policy: &Policy) -> Result<Plan, Failure> {
        let PrepareRequest { name, revision, inspection, beside } = wanted;
        let lost = || Failure::retry(ReasonCode::Store, "its content is no longer in the state directory");
        let manifest = match revision.manifest {
            Some(digest) => {
                let bytes = self.store.manifest(digest).ok_or_else(lost)?;
                Manifest::parse(&format!("{name}.toml"), &bytes).map_err(refused(ReasonCode::Manifest))?
            }
            None => Manifest::default(),
        };
        let inspection = match inspection {
            Some(inspection) => *inspection,
            None => {
                let code = self.store.code(revision.code).ok_or_else(lost)?;
                inspect(&code).map_err(|error| Failure::refused(ReasonCode::Component, error.to_string()))?
            }
        };
        let place = format!("its section `{SETTINGS_SECTION}`");
        let section = Section::parse(&place, inspection.settings.as_deref().unwrap_or_default())
            .map_err(refused(ReasonCode::Component))?;
        let terms = policy.terms(&name, &manifest, &section).map_err(refused(ReasonCode::Policy))?;
        if !terms.lowered.is_empty() {
            let lowered = terms.lowered.join(", ");
            tracing::debug!(
                target: "guesthouse::deploy",
                { app.name = %name },
                "`{name}`: its component asks for more than is allowed: {lowered}"
            );
        }
        if terms.instances.concurrent > 1 && inspection.lane != Lane::Http03 {
            return Err(Failure::refused(
                ReasonCode::Lane,
                format!(
                    "asks for `concurrent = {}` in `[instances]`, but is called through {}, where an instance answers one \
                     request at a time (leave it out, or build the app for wasi:http 0.3)",
                    terms.instances.concurrent, inspection.lane
                ),
            ));
        }
        let mut environment = secrets::resolve(&terms.environment, terms.env_file.as_deref(), self.secrets.as_deref())
            .map_err(|missing| Failure::retry(ReasonCode::Secrets, missing.to_string()))?;
        for (variable, value) in self.variables.get(&name).into_iter().flatten() {
            environment.entry(variable.clone()).or_insert_with(|| value.clone());
        }
        if let Some(source) = self.folders.live(&name) {
            environment.insert(LIVE.to_owned(), source.display().to_string());
        }
        let files = statics::files(&terms.statics, &beside, self.room.clone())
            .map_err(|why| Failure::retry(ReasonCode::Statics, why))?;
        let (needs, has) = (Size(inspection.memory_bytes_min), terms.limits.memory);
        if needs > has {
            return Err(Failure::refused(
                ReasonCode::Memory,
                format!(
                    "needs {needs} of memory to start, and has {has}: ask for more with `memory` under `[limits]` in `{}.toml`",
                    name.as_str()
                ),
            ));
        }
        let folders = self.folders.of(&name, &terms);
        let folders =
            folders.map_err(|error| Failure::retry(ReasonCode::StateFolder, self.store.unwritable(&error)))?;
        let code_bytes = std::fs::metadata(self.store.code_path(revision.code)).map_err(|_| lost())?.len();
        let wasi = WasiSettings { environment: environment.into_iter().collect() };
        let outbound = terms.outbound.as_ref().map(guest_outbound);
        let capabilities = CapabilitySettings { wasi, outbound, files: folders };
        Ok(Plan { name, revision, terms, capabilities, files, inspection, code_bytes })
    }

    /// The inner error is an artefact that cannot be used.
    async fn prepare<'v>(
        self: &'v Arc<Self>,
        plan: &Plan,
        settings: GuestSettings,
        findings: &mut Findings,
        permit: &mut PreparePermit<'v>,
    ) -> Result<Result<Guest, String>, Failure> {
        let artefact = self.artefact(plan, findings, permit).await?;
        let (this, inspection) = (self.clone(), plan.inspection.clone());
        let prepared = file_work(move || Ok(this.sandbox.prepare(&artefact, &inspection, settings))).await?;
        match prepared {
            Ok(guest) => Ok(Ok(guest)),
            Err(PrepareError::Artefact(why)) => Ok(Err(why)),
            Err(error @ PrepareError::Sandbox(_)) => Err(Failure::retry(ReasonCode::Engine, error.to_string())),
            Err(error @ PrepareError::Grant(_)) => Err(Failure::retry(ReasonCode::StateFolder, error.to_string())),
            Err(error @ PrepareError::Link(_)) => Err(Failure::refused(ReasonCode::Imports, error.to_string())),
            Err(error @ PrepareError::Resources(_)) => Err(Failure::refused(ReasonCode::Memory, error.to_string())),
        }
    }

    /// The compiled form, from the cache or made now.
    async fn artefact<'v>(
        self: &'v Arc<Self>,
        plan: &Plan,
        findings: &mut Findings,
        permit: &mut PreparePermit<'v>,
    ) -> Result<PathBuf, Failure> {
        let (target, kind) = self.kind(plan.inspection.class)?;
        let (app, digest, bytes) = (plan.name.clone(), plan.revision.code, plan.code_bytes);
        let code = Code { app, digest, bytes, target, kind };
        if let Some(path) = self.artefacts.cached(&code).await {
            return Ok(path);
        }
        // The compiler has a bound of its own, and may take minutes.
        *permit = None;
        let (path, compiled) = self.artefacts.make(&code).await?;
        if let Some(compiled) = compiled {
            findings.compiled_in = Some(compiled.took);
            findings.compiled_bytes = Some(compiled.bytes);
        }
        *permit = self.at_once.acquire().await.ok();
        Ok(path)
    }

    /// Says how long the first instance took.
    async fn probe(&self, name: &AppName, guest: &Guest, deadline: Duration) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let probed = async {
            match self.folders.live(name) {
                // A mistake in it is mended without another revision: it is shown, and none is refused for it.
                Some(_) => guest.instantiate().await,
                None => guest.probe().await,
            }
        };
        match tokio::time::timeout(deadline, Box::pin(probed)).await {
            Ok(Ok(())) => Ok(begun.elapsed()),
            // The host is full: nothing that the component can help.
            Ok(Err(fault @ Fault::Full(_))) => Err(Failure::retry(ReasonCode::Full, fault.to_string())),
            Ok(Err(fault)) => Err(Failure::refused(ReasonCode::Probe, told(&fault))),
            Err(_) => Err(Failure::refused(
                ReasonCode::Probe,
                format!(
                    "its first instance was not ready after {deadline:?}: what it does before its first request must be short"
                ),
            )),
        }
    }

    /// Which artefacts are loaded now: part of their names in the cache.
    pub fn kinds(&self) -> Vec<String> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Asked only for a class that is needed: an engine that nobody needs is never made.
    fn kind(&self, class: Class) -> Result<(Target, String), Failure> {
        let trouble = |error: SandboxError| Failure::retry(ReasonCode::Engine, error.to_string());
        let target = self.sandbox.target(class).map_err(trouble)?;
        let compatibility = self.sandbox.compatibility(class).map_err(trouble)?;
        let kind = format!("{target}-{compatibility}");
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.clone());
        Ok((target, kind))
    }
}

/// A refusal for `code`, of what comes as a text.
fn refused(code: ReasonCode) -> impl Fn(String) -> Failure {
    move |why| Failure::refused(code, why)
}

/// A fault in a first instance, with its backtrace, which is all that an author has to go by.
fn told(fault: &Fault) -> String {
    const WHEN: &str = "(before any request: in its initialisers, or in its `health`)";
    match fault.backtrace() {
        Some(backtrace) => format!("its first instance failed: {fault} {WHEN}\n{backtrace}"),
        None => format!("its first instance failed: {fault} {WHEN}"),
    }
}

/// Runs file work where it may block.
async fn file_work<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let bug =
        |_| Failure::refused(ReasonCode::Bug, "the host failed while it looked at it: this is a bug of guesthouse");
    blocking(work).await.map_err(bug)?
}

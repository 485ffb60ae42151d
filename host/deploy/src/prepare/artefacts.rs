//! The compiled form of a component: from the cache, or made now by a child, once for all who want it.
//!
//! A child may take single functions from what was compiled before (`host/deploy/src/prepare/packs.rs`). When a runtime of ours
//! is seen for the first time, its functions are compiled for all apps behind the app that brought it.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;

use guesthouse_component::runtime::Runtime;
use guesthouse_sandbox::engine::functions::Tally;
use guesthouse_sandbox::engine::target::Target;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use guesthouse_types::private;
use guesthouse_types::units::Size;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::prepare::compile::CompileJob;
use crate::prepare::compile::Compiler;
use crate::prepare::compile::Packed;
use crate::prepare::packs::Packs;
use crate::prepare::single_flight::SingleFlight;
use crate::reason::Failure;
use crate::reason::ReasonCode;
use crate::state_dir::store::Store;

/// A component of this length takes seconds to compile: whoever dropped it is told that it was seen, and its functions are
/// kept for its next revision.
const SLOW_BYTES: u64 = 2 << 20;

/// Everything that it takes to have an artefact.
pub struct Artefacts {
    store: Store,
    compiler: Arc<Compiler>,
    single_flight: SingleFlight,
    packs: Arc<Packs>,
    /// Where work goes that nobody waits for. Nothing is begun where it is not set.
    background: OnceLock<(TaskTracker, CancellationToken)>,
    /// The packs that are being made, and those that could not be: what fails once fails again.
    begun: Arc<Mutex<HashSet<(String, String)>>>,
}

/// What is to be compiled, and for what.
#[derive(Clone, Debug)]
pub struct Code {
    /// The app.
    pub app: AppName,
    /// Its component, which is in the store.
    pub digest: Digest,
    /// The component's length.
    pub bytes: u64,
    /// For which engine.
    pub target: Target,
    /// The kind of artefact that comes of it: part of its name in the cache.
    pub kind: String,
}

/// What became known while it was made.
#[derive(Clone, Copy, Debug)]
pub struct Compiled {
    /// How long it took.
    pub took: Duration,
    /// How large it is.
    pub bytes: u64,
}

impl Artefacts {
    /// Artefacts in `store`, made by `compiler` with `packs`.
    pub fn new(store: Store, compiler: Compiler, packs: Packs) -> Artefacts {
        Artefacts {
            store,
            compiler: Arc::new(compiler),
            single_flight: SingleFlight::default(),
            packs: Arc::new(packs),
            background: OnceLock::new(),
            begun: Arc::default(),
        }
    }

    /// From now until `stop`, work for later may be done, tracked by `tasks`.
    pub fn may_work_ahead(&self, tasks: TaskTracker, stop: CancellationToken) {
        let _ = self.background.set((tasks, stop));
    }

    /// What `code` was compiled to before.
    pub async fn cached(&self, code: &Code) -> Option<PathBuf> {
        let (store, digest, kind) = (self.store.clone(), code.digest, code.kind.clone());
        blocking(move || store.artefact(digest, &kind)).await
    }

    /// Has `code` compiled, or waits for who has. Nothing is said of what was made when it was there by then. Dropping the
    /// future kills the child.
    pub async fn make(&self, code: &Code) -> Result<(PathBuf, Option<Compiled>), Failure> {
        let leader = self.single_flight.join(code.digest, &code.kind).await?;
        // Whoever was before us may have had it compiled.
        if let Some(path) = self.cached(code).await {
            return Ok((path, None));
        }
        match self.compile(code).await {
            Ok((path, compiled)) => Ok((path, Some(compiled))),
            Err(error) => {
                leader.fail(&error);
                Err(error)
            }
        }
    }

    async fn compile(&self, code: &Code) -> Result<(PathBuf, Compiled), Failure> {
        let app = &code.app;
        tracing::debug!(target: "guesthouse::compile", { app.name = %app }, "compiling `{app}` for {}", code.target);
        if code.bytes >= SLOW_BYTES {
            let size = Size(code.bytes).rough();
            tracing::info!(
                target: "guesthouse::compile",
                { app.name = %app },
                "compiling `{app}`, {size}: this takes a while"
            );
        }
        let draft = self.draft(self.store.artefact_draft(code.digest, &code.kind)).await?;
        let (output, later) = (draft.0.join("artefact"), draft.0.join("functions"));
        let begun = Instant::now();
        let tally = self.child(code, &output, &later).await?;
        let took = begun.elapsed();
        if tally != Tally::default() {
            let Tally { shared, own, compiled } = tally;
            tracing::debug!(
                target: "guesthouse::compile",
                { app.name = %app, functions.shared = shared, functions.own = own, functions.compiled = compiled },
                "`{app}` is compiled: of {} functions {compiled} were not known",
                tally.all()
            );
        }
        let (store, packs, code) = (self.store.clone(), self.packs.clone(), code.clone());
        let adopt = move || {
            // The draft goes when this is done.
            let _draft = draft;
            let bytes = std::fs::metadata(&output).map_or(0, |metadata| metadata.len());
            if later.exists()
                && let Err(error) = packs.keep_own(&later, &code.app, &code.kind)
            {
                tracing::debug!(target: "guesthouse::compile", "the functions of `{}` are not kept: {error}", code.app);
            }
            let adopted = store.adopt(&output, code.digest, &code.kind);
            let path = adopted.map_err(|error| Failure::retry(ReasonCode::Store, store.unwritable(&error)))?;
            Ok((path, Compiled { took, bytes }))
        };
        blocking(adopt).await
    }

    /// Has a child make the artefact at `output`, and a pack of functions at `later`.
    async fn child(&self, code: &Code, output: &Path, later: &Path) -> Result<Tally, Failure> {
        let (target, input) = (code.target.to_string(), self.store.code_path(code.digest));
        let job = CompileJob { target: &target, input: &input, bytes: code.bytes, output, is_runtime: false };
        let awaited = OnceLock::new();
        let packs = async || {
            let (packed, runtime) = self.packed(code, later).await;
            if let Some(runtime) = runtime {
                let _ = awaited.set(runtime);
            }
            packed
        };
        let tally = self.compiler.compile(&job, packs).await?;
        // Behind the app, which has waited for nothing but itself.
        if let Some(runtime) = awaited.into_inner() {
            self.work_ahead(runtime, code);
        }
        Ok(tally)
    }

    /// What a child may take from, looked up at the last moment, since whoever waits for a turn shall hold nothing; and the
    /// digest of its runtime, if that was not compiled yet.
    async fn packed(&self, code: &Code, later: &Path) -> (Packed, Option<String>) {
        if code.bytes < SLOW_BYTES {
            return (Packed::default(), None);
        }
        let (store, packs, code, later) = (self.store.clone(), self.packs.clone(), code.clone(), later.to_owned());
        blocking(move || {
            let runtime = code.target.class.is_large().then(|| Runtime::recognise(&store.code(code.digest)?)).flatten();
            let awaited = runtime.map(|runtime| runtime.digest).filter(|runtime| !packs.has(runtime, &code.kind));
            let packed = Packed {
                shared: packs.shared(&code.kind),
                earlier: packs.own(&code.app, &code.kind),
                // What an app's own pack would hold until its runtime's pack is there, that one holds soon.
                later: awaited.is_none().then_some(later),
            };
            (packed, awaited)
        })
        .await
    }

    /// Has the functions of a runtime compiled for all apps, if nobody has yet.
    fn work_ahead(&self, runtime: String, code: &Code) {
        let Some((tasks, stop)) = self.background.get() else { return };
        let (begun, pack) = (self.begun.clone(), (runtime, code.kind.clone()));
        if !lock(&begun).insert(pack.clone()) {
            return;
        }
        let (compiler, store, packs) = (self.compiler.clone(), self.store.clone(), self.packs.clone());
        let (stop, code) = (stop.clone(), code.clone());
        tasks.spawn(async move {
            let filled = async {
                match fill(&compiler, store, packs, &pack.0, &code).await {
                    Ok(made) => {
                        // Somebody may remove it while we run.
                        lock(&begun).remove(&pack);
                        if let Some(name) = made {
                            tracing::info!(
                                target: "guesthouse::compile",
                                "compiled {name}: apps in it are compiled in a part of the time from now on"
                            );
                        }
                    }
                    Err(error) => tracing::warn!(
                        target: "guesthouse::compile",
                        "the runtime of `{}` is compiled with each of its apps: {error:?}",
                        code.app
                    ),
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = filled => {}
            }
        });
    }

    async fn draft(&self, path: PathBuf) -> Result<Draft, Failure> {
        make_draft(path).await.map_err(|error| Failure::retry(ReasonCode::Store, self.store.unwritable(&error)))
    }
}

/// Makes the pack of the runtime in `code`. The result is its name, or nothing when the pack is there already or being made.
async fn fill(
    compiler: &Compiler,
    store: Store,
    packs: Arc<Packs>,
    runtime: &str,
    code: &Code,
) -> Result<Option<&'static str>, Failure> {
    let trouble = |error: std::io::Error| Failure::retry(ReasonCode::Store, error.to_string());
    let (there, digest, kind) = (packs.clone(), runtime.to_owned(), code.kind.clone());
    let claim = move || {
        let claim = there.claim(&digest, &kind)?;
        // Whoever had it before us may have made it.
        Ok(claim.filter(|_| !there.has(&digest, &kind)))
    };
    let Some(_claim) = blocking(claim).await.map_err(trouble)? else { return Ok(None) };
    let draft = make_draft(packs.draft(runtime, &code.kind)).await.map_err(trouble)?;
    let (input, output) = (draft.0.join("runtime.wasm"), draft.0.join("pack"));
    let (path, digest) = (input.clone(), code.digest);
    let write = move || {
        let Some(runtime) = store.code(digest).and_then(|code| Runtime::recognise(&code)) else { return Ok(None) };
        std::fs::write(path, &runtime.bytes)?;
        Ok(Some((runtime.name, runtime.bytes.len() as u64)))
    };
    let Some((name, bytes)) = blocking(write).await.map_err(trouble)? else { return Ok(None) };
    let target = code.target.to_string();
    let job = CompileJob { target: &target, input: &input, bytes, output: &output, is_runtime: true };
    compiler.compile(&job, async || Packed::default()).await?;
    let (runtime, kind) = (runtime.to_owned(), code.kind.clone());
    let keep = move || {
        let _draft = draft;
        packs.keep_shared(&output, &runtime, &kind)
    };
    blocking(keep).await.map_err(trouble)?;
    Ok(Some(name))
}

/// A folder for what one child makes, which goes away with its job.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // What is good was moved away by now.
        let _ = private::clear(&self.0);
    }
}

async fn make_draft(path: PathBuf) -> std::io::Result<Draft> {
    blocking(move || private::folder(&path).map(|()| Draft(path))).await
}

/// Runs file work where it may block. A panic in there is a bug of ours, and goes on here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

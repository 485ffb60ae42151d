//! From arbitrary bytes to a valid app that does arbitrary things: inspected, compiled, instantiated and called.
//!
//! `tests/fuzz/main.rs` calls it some hundred times under `cargo test`, `fuzz/fuzz_targets/component.rs` for as long as one
//! likes.

use std::sync::OnceLock;
use std::time::Duration;

use arbitrary::Unstructured;
use bytes::Bytes;
use guesthouse_component::inspect::inspect;
use guesthouse_sandbox::capability::CapabilityHostSettings;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_sandbox::engine::SandboxSettings;
use guesthouse_sandbox::engine::compile::compile;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::limits::Limits;
use guesthouse_sandbox::request::GuestRequest;
use guesthouse_sandbox::settings::GuestSettings;
use http::HeaderMap;
use http::Method;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;
use wasm_smith::Component;
use wasm_smith::Config;
use wasm_smith::Module;

use crate::component::shell::functions;
use crate::component::shell::shell;

#[path = "shell.rs"]
mod shell;

/// What comes first in the shell, after the component's own head: a section with an empty module.
const PLACE: &[u8] = b"\x01\x08\0asm\x01\0\0\0";
const HEAD_BYTES: usize = 8;

/// One request's bounds: small, and far below [`PATIENCE`].
const CPU: Duration = Duration::from_millis(20);
const WALL: Duration = Duration::from_secs(2);
/// Nothing is timed by it: a call that is still going on then has escaped its bounds.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The bytes did not make one.
    None,
    /// The host refuses it before anything of it runs.
    Refused,
    /// It has an answer.
    Answered,
    /// It failed, as the sandbox calls that.
    Fault(&'static str),
}

/// Everything that can be done with an app that is made of these bytes.
///
/// # Panics
///
/// When the host's promises do not hold.
pub fn component(bytes: &[u8]) -> Outcome {
    let mut source = Unstructured::new(bytes);
    let Ok(app) = app(&mut source) else { return Outcome::None };
    let Ok(inspection) = inspect(&app) else { return Outcome::Refused };
    let sandbox = sandbox();
    let Ok(artefact) = sandbox.target(inspection.class).map(|target| compile(&app, target, None)) else {
        return Outcome::Refused;
    };
    let Ok(artefact) = artefact else { return Outcome::Refused };
    let file = tempfile::NamedTempFile::new().expect("there is room for a file");
    std::fs::write(file.path(), artefact).expect("there is room for a file");
    let Ok(guest) = sandbox.prepare(file.path(), &inspection, settings()) else { return Outcome::Refused };
    let answered = async {
        let response = guest.call(guest.receive(request()).await?, Box::new(())).await?;
        let collected = response.into_body().collect().await;
        // A body of the gateway lane is whole: it was taken out of the guest before.
        Ok::<_, Fault>(collected.is_ok())
    };
    let within = runtime().block_on(async { tokio::time::timeout(PATIENCE, answered).await });
    match within.expect("a call ends within its bounds") {
        Ok(is_whole) => {
            assert!(is_whole, "the body of a response that was there broke");
            Outcome::Answered
        }
        Err(fault) => Outcome::Fault(name(&fault)),
    }
}

fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Cpu(_) => "out of time",
        Fault::BadResponse(_) => "nonsense",
        _ => "trapped, or otherwise",
    }
}

/// The shell with a random module in its first place, and sometimes a random component behind it that nobody uses.
fn app(source: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let has_company = source.ratio(1, 4)?;
    let company = if has_company { Component::new(config(), source)?.to_bytes() } else { Vec::new() };
    let module = Module::new(Config { max_imports: 0, min_funcs: 1, export_everything: true, ..config() }, source)?;
    let module = module.to_bytes();
    let shell = wat::parse_str(shell(&functions(&module))).expect("the shell is valid text");
    let rest = shell[HEAD_BYTES..].strip_prefix(PLACE).expect("the shell begins with an empty module");
    let mut app = shell[..HEAD_BYTES].to_vec();
    section(&mut app, 1, &module);
    app.extend_from_slice(rest);
    if has_company {
        section(&mut app, 4, &company);
    }
    Ok(app)
}

fn section(app: &mut Vec<u8>, id: u8, content: &[u8]) {
    app.push(id);
    let mut length = content.len();
    while length >= 128 {
        app.push((length % 128) as u8 | 128);
        length /= 128;
    }
    app.push(length as u8);
    app.extend_from_slice(content);
}

/// What our engines take; the rest would only be refused.
fn config() -> Config {
    Config {
        exceptions_enabled: false,
        gc_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        max_memory32_bytes: 1 << 24,
        max_table_elements: 10_000,
        max_instructions: 400,
        max_type_size: 100,
        max_components: 2,
        max_nesting_depth: 2,
        ..Config::default()
    }
}

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let settings = SandboxSettings {
            memory_total_bytes_max: 256 << 20,
            memory_bytes_max: 64 << 20,
            instances_max: 8,
            capabilities: CapabilityHostSettings::default(),
        };
        Sandbox::new(settings, TaskTracker::new()).expect("there is room for a sandbox")
    })
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is room for a runtime")
    })
}

fn settings() -> GuestSettings {
    GuestSettings {
        app: "random".to_owned(),
        revision: "1".to_owned(),
        limits: Limits { cpu: CPU, head: WALL, body_idle: WALL, memory_bytes_max: 16 << 20, ..Limits::default() },
        log_lines_per_second_max: 1,
        ..GuestSettings::default()
    }
}

fn request() -> GuestRequest {
    GuestRequest {
        method: Method::POST,
        scheme: Scheme::HTTP,
        authority: Authority::from_static("random.localhost"),
        mount: "/random".into(),
        path_and_query: PathAndQuery::from_static("/?q"),
        headers: HeaderMap::new(),
        body: Full::new(Bytes::from_static(b"a body")).map_err(|never| match never {}).boxed_unsync(),
        peer: None,
        id: "r-1".into(),
        depth: 0,
    }
}

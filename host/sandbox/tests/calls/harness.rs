//! A sandbox, guests in it, and questions to them.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_component::inspect::inspect;
use guesthouse_sandbox::capability::CapabilityHostSettings;
use guesthouse_sandbox::capability::CapabilitySettings;
use guesthouse_sandbox::capability::files::settings::Folders;
use guesthouse_sandbox::capability::wasi::WasiSettings;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_sandbox::engine::SandboxSettings;
use guesthouse_sandbox::engine::compile::compile;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::guest::Guest;
use guesthouse_sandbox::limits::Limits;
use guesthouse_sandbox::request::GuestRequest;
use guesthouse_sandbox::settings::GuestSettings;
use guesthouse_sandbox::settings::Instances;
use http::HeaderMap;
use http::Method;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body_util::BodyExt;
use http_body_util::Full;
use tokio_util::task::TaskTracker;

pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let settings = SandboxSettings {
            memory_total_bytes_max: 1 << 30,
            memory_bytes_max: 512 << 20,
            instances_max: 64,
            capabilities: CapabilityHostSettings::default(),
        };
        Sandbox::new(settings, TaskTracker::new()).unwrap()
    })
}

/// A guest app whose instances answer one request each.
pub fn guest(name: &str, limits: Limits) -> Guest {
    guest_in(sandbox(), name, limits, Instances::default())
}

pub fn guest_in(sandbox: &Sandbox, name: &str, limits: Limits, instances: Instances) -> Guest {
    prepared(sandbox, name, limits, instances, Folders::default())
}

/// A guest app that sees folders.
pub fn guest_with(name: &str, folders: Folders) -> Guest {
    prepared(sandbox(), name, Limits::default(), Instances::default(), folders)
}

fn prepared(sandbox: &Sandbox, name: &str, limits: Limits, instances: Instances, folders: Folders) -> Guest {
    let bytes = guesthouse_test_guests::bytes(name);
    let inspection = inspect(&bytes).unwrap();
    let artefact = compile(&bytes, sandbox.target(inspection.class).unwrap(), None).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), artefact).unwrap();
    let wasi = WasiSettings { environment: vec![("GREETING".to_owned(), "moin".to_owned())] };
    let settings = GuestSettings {
        app: name.to_owned(),
        revision: "1".to_owned(),
        limits,
        instances,
        capabilities: CapabilitySettings { wasi, files: folders, ..CapabilitySettings::default() },
        log_lines_per_second_max: 100,
    };
    sandbox.prepare(file.path(), &inspection, settings).unwrap()
}

pub fn request(path: &'static str, body: &'static [u8]) -> GuestRequest {
    GuestRequest {
        method: if body.is_empty() { Method::GET } else { Method::POST },
        scheme: Scheme::HTTP,
        authority: Authority::from_static("shop.localhost:8080"),
        mount: "/shop".into(),
        path_and_query: PathAndQuery::from_static(path),
        headers: HeaderMap::new(),
        body: Full::new(Bytes::from_static(body)).map_err(|never| match never {}).boxed_unsync(),
        peer: Some([127, 0, 0, 1].into()),
        id: "r-1".into(),
        depth: 0,
    }
}

pub async fn ask(guest: &Guest, path: &'static str, body: &'static [u8]) -> Result<(u16, String), Fault> {
    let response = guest.call(guest.receive(request(path, body)).await?, Box::new(())).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

pub fn quick() -> Limits {
    let (cpu, wall) = (Duration::from_millis(500), Duration::from_secs(2));
    Limits { cpu, head: wall, body_idle: wall, ..Limits::default() }
}

//! The rows of the sandbox itself.

use bytes::Bytes;
use criterion::Criterion;
use guesthouse_component::inspect::inspect;
use guesthouse_sandbox::capability::CapabilityHostSettings;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_sandbox::engine::SandboxSettings;
use guesthouse_sandbox::engine::compile::compile;
use guesthouse_sandbox::guest::Guest;
use guesthouse_sandbox::request::GuestRequest;
use guesthouse_sandbox::settings::GuestSettings;
use guesthouse_sandbox::settings::Instances;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::HOST;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body_util::BodyExt;
use http_body_util::Empty;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use crate::row;

/// So many that replacing one does not show.
const REUSED: u32 = 1_000_000;

pub fn rows(criterion: &mut Criterion, runtime: &Runtime, lane: &str, name: &str) {
    let sandbox = sandbox();
    let fresh = guest(&sandbox, name, Instances::default());
    row(criterion, runtime, &format!("instantiate/{lane}/ours"), async || fresh.probe().await.expect("it is well"));
    row(criterion, runtime, &format!("fresh/{lane}/ours"), async || ask(&fresh).await);
    let reused = guest(&sandbox, name, Instances { requests_max: REUSED, ..Instances::default() });
    row(criterion, runtime, &format!("reused/{lane}/ours"), async || ask(&reused).await);
    if lane == "0.3" {
        let instances = Instances { requests_max: 128, concurrent_max: 16, ..Instances::default() };
        let shared = guest(&sandbox, name, instances);
        row(criterion, runtime, &format!("reused/{lane}, 128 × 16/ours"), async || ask(&shared).await);
    }
}

fn sandbox() -> Sandbox {
    let settings = SandboxSettings {
        memory_total_bytes_max: 1 << 30,
        memory_bytes_max: 128 << 20,
        instances_max: 64,
        capabilities: CapabilityHostSettings::default(),
    };
    Sandbox::new(settings, TaskTracker::new()).expect("the pool can be reserved")
}

fn guest(sandbox: &Sandbox, name: &str, instances: Instances) -> Guest {
    let bytes = guesthouse_test_guests::bytes(name);
    let inspection = inspect(&bytes).expect("a guest app is a component");
    let artefact = compile(&bytes, sandbox.target(inspection.class).expect("an engine can be made"), None)
        .expect("a guest app compiles");
    let file = tempfile::NamedTempFile::new().expect("there is room for an artefact");
    std::fs::write(file.path(), artefact).expect("an artefact can be written");
    let settings = GuestSettings {
        app: name.to_owned(),
        revision: "1".to_owned(),
        instances,
        log_lines_per_second_max: 100,
        ..GuestSettings::default()
    };
    sandbox.prepare(file.path(), &inspection, settings).expect("a guest app links")
}

async fn ask(guest: &Guest) {
    let received = guest.receive(request()).await.expect("an empty body arrives");
    let response = guest.call(received, Box::new(())).await.expect("a guest app answers");
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("the body is whole").to_bytes();
    assert!(!body.is_empty());
}

/// What `wrk` asks, as the request path hands it over.
fn request() -> GuestRequest {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost:8080"));
    GuestRequest {
        method: Method::GET,
        scheme: Scheme::HTTP,
        authority: Authority::from_static("localhost:8080"),
        mount: "/hello".into(),
        path_and_query: PathAndQuery::from_static("/"),
        headers,
        body: Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync(),
        peer: Some([127, 0, 0, 1].into()),
        id: "18f3a2b4c5d6-42".into(),
        depth: 0,
    }
}

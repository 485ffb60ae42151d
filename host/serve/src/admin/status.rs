//! `GET /v1/status`: how full each bound is at this moment, of the host and of each app.

use bytes::Bytes;
use guesthouse_app::bounds::Bounds;
use guesthouse_app::fill::Fill;
use guesthouse_app::routes::RouteReader;
use guesthouse_app::routes::Target;
use http::Response;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::admin::run::AdminBody;
use crate::compress::encoder::Encoders;

/// The path.
pub const PATH: &str = "/v1/status";

/// What the status is made of.
#[derive(Clone)]
pub struct Watched {
    /// Which apps there are.
    pub routes: RouteReader,
    /// What they share.
    pub bounds: Bounds,
    /// Who is compressing.
    pub encoders: Encoders,
}

/// The status of this moment, as JSON.
pub fn status(watched: &Watched) -> Response<AdminBody> {
    let Watched { routes, bounds, encoders } = watched;
    let fills = bounds.fills().into_iter().chain([("compressors", encoders.fill())]);
    let bounds: Map<String, Value> = fills.map(|(name, one)| (name.to_owned(), fill(one))).collect();
    let table = routes.snapshot();
    let live = table.entries().iter().filter_map(|entry| match &entry.target {
        Target::Live(app) => Some((entry.name.to_string(), app)),
        Target::Waiting(_) | Target::Refused(_) => None,
    });
    let apps: Map<String, Value> = live
        .map(|(name, app)| {
            let revision = app.revision.to_string();
            (name, json!({"revision": revision, "in_flight": app.in_flight(), "concurrency": fill(app.fill())}))
        })
        .collect();
    let text = format!("{:#}\n", json!({"bounds": bounds, "apps": apps}));
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn fill(fill: Fill) -> Value {
    let Fill { used, max, waiting, ended } = fill;
    json!({"used": used, "max": max, "waiting": waiting, "ended": ended})
}

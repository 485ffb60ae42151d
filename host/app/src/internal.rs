//! Requests of one app to another of this host: through the route table and the called app's own limits, like a visitor's.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use guesthouse_outbound::internal::Apps;
use guesthouse_outbound::internal::Body;
use guesthouse_outbound::internal::CALLER_FIELD;
use guesthouse_outbound::internal::Call;
use guesthouse_outbound::internal::InternalError;
use guesthouse_sandbox::request::BodyError;
use guesthouse_sandbox::request::GuestRequest;
use guesthouse_types::escape::one_line;
use guesthouse_types::pattern::fits;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use tokio::time::Instant;
use tracing::info;

use crate::app::App;
use crate::app::CallError;
use crate::app::InFlight;
use crate::failure_status::of_call;
use crate::fault_log::log_fault;
use crate::places::pace::Pace;
use crate::places::pace::Visitor;
use crate::routes::RouteReader;
use crate::routes::Target;
use crate::routes::WeakRouteReader;

/// The apps in a route table.
pub struct InternalApps(pub WeakRouteReader);

impl Apps for InternalApps {
    fn call(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Response<Body>, InternalError>> + Send>> {
        // Taken out of the table before anything is waited for.
        let found = self.0.upgrade().ok_or(InternalError::NoSuchApp).and_then(|routes| find(&routes, &call));
        Box::pin(async move {
            let (app, in_flight) = found?;
            Ok(answer(&app, in_flight, call).await)
        })
    }
}

/// The app that is called, in flight, if it lets itself be called.
fn find(routes: &RouteReader, call: &Call) -> Result<(Arc<App>, InFlight), InternalError> {
    loop {
        let table = routes.snapshot();
        let entry = table.entries().iter().find(|entry| entry.name.as_str() == call.app);
        let Some(Target::Live(app)) = entry.map(|entry| &entry.target) else { return Err(InternalError::NoSuchApp) };
        let caller = &call.caller.app;
        if !app.callers.iter().any(|pattern| fits(pattern, caller)) {
            return Err(InternalError::NotACaller { caller: caller.clone() });
        }
        // Replaced in between: the table has what it was replaced by.
        if let Some(in_flight) = app.enter() {
            return Ok((app.clone(), in_flight));
        }
    }
}

async fn answer(app: &App, in_flight: InFlight, call: Call) -> Response<Body> {
    let asked = Asked::of(&call);
    let response = match prepared(app, call) {
        Err(_) => failed(StatusCode::BAD_REQUEST, "it cannot be asked so"),
        Ok(request) => match app.call(in_flight, request, &Arc::new(Pace::new(Visitor::of(None)))).await {
            Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
            Err(error) => {
                if let CallError::Fault(fault) = &error {
                    log_fault(app, &asked.request_id, fault);
                }
                // What a visitor would be told.
                failed(of_call(&error), &error.to_string())
            }
        },
    };
    asked.log(app, response.status());
    response
}

/// What the log says of a call.
struct Asked {
    caller: String,
    request_id: Arc<str>,
    method: Method,
    path: String,
    begun: Instant,
}

impl Asked {
    fn of(call: &Call) -> Asked {
        let path = one_line(call.request.uri().path()).to_string();
        let (caller, request_id) = (call.caller.app.clone(), call.caller.request_id.clone());
        Asked { caller, request_id, method: call.request.method().clone(), path, begun: Instant::now() }
    }

    /// One line, as for a visitor's request, once the head is there.
    fn log(&self, app: &App, status: StatusCode) {
        let Asked { caller, request_id, method, path, begun } = self;
        info!(
            target: "guesthouse::access",
            {
                request.id = &**request_id,
                app.name = app.name.as_str(),
                app.revision = %app.revision,
                caller,
                method = method.as_str(),
                path,
                status = status.as_u16(),
                duration_ms = (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3,
            },
            "{method} {path} {}, asked by `{caller}`", status.as_u16(),
        );
    }
}

fn prepared(app: &App, call: Call) -> Result<GuestRequest, http::Error> {
    let (mut head, body) = call.request.into_parts();
    head.headers.insert(CALLER_FIELD, HeaderValue::from_str(&call.caller.app)?);
    let bytes_max = app.limits.request_bytes_max;
    let body = Limited::new(body, usize::try_from(bytes_max).unwrap_or(usize::MAX));
    Ok(GuestRequest {
        method: head.method,
        scheme: Scheme::HTTP,
        authority: head.uri.authority().cloned().unwrap_or_else(|| Authority::from_static("localhost")),
        mount: Arc::from(""),
        path_and_query: head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
        headers: head.headers,
        body: body.map_err(move |error| broken(&*error, bytes_max)).boxed_unsync(),
        peer: None,
        id: call.caller.request_id,
        depth: call.caller.depth + 1,
    })
}

fn broken(error: &(dyn Error + Send + Sync + 'static), bytes_max: u64) -> BodyError {
    match error.is::<LengthLimitError>() {
        true => BodyError::TooLarge { bytes_max },
        false => BodyError::Broken(error.to_string()),
    }
}

fn failed(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Full::from(format!("{why}\n")).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

//! Tells in plain lines all that the 0.3 lane gives to an app, and what the sandbox refuses it, requests and connections to the outside too.

mod connect;
mod outbound;

use guest_support::probe::Lines;
use guest_support::service;
use guest_support::service::Question;
use guest_support::standard;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Method;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::http::types::Scheme;

struct Environ;

wasip3::http::service::export!(Environ);

impl Guest for Environ {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = service::target(&request);
        if path == "/outbound" {
            let url = standard::value(&query, "url").unwrap_or("http://localhost/");
            return Ok(service::text(
                200,
                &format!("outbound: {}\n", outbound::attempt(url, standard::value(&query, "body")).await),
            ));
        }
        match path.as_str() {
            "/connect" => return Ok(service::text(200, &connect::attempt(&query).await)),
            "/connect-many" => return Ok(service::text(200, &connect::attempt_many(&query).await)),
            _ => {}
        }
        Ok(service::text(200, &report(request).await))
    }
}

async fn report(request: Request) -> String {
    let headers = request.get_headers().copy_all();
    // What the gateway lane has fields for comes in headers that only the host may set.
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let (path, query) = service::target(&request);

    let mut lines = Lines::default();
    lines.add("method", method(request.get_method()).as_bytes());
    lines.add_some("scheme", request.get_scheme().map(scheme));
    lines.add_some("authority", request.get_authority());
    lines.add("mount", header("x-forwarded-prefix").map_or(&[], Vec::as_slice));
    lines.add("path", path.as_bytes());
    if request.get_path_with_query().is_some_and(|target| target.contains('?')) {
        lines.add("query", query.as_bytes());
    }
    lines.add_some("peer", header("x-forwarded-for"));
    lines.add_some("id", header("x-request-id"));
    for (name, value) in &headers {
        lines.add(format_args!("header {name}"), value);
    }
    let body = Question::of(request).rest().await;
    lines.add("body-length", body.len().to_string().as_bytes());
    lines.add("body", &body);
    lines.add_reach();
    lines.into_text()
}

fn method(method: Method) -> String {
    match method {
        Method::Other(name) => name,
        // The rest are called as HTTP calls them, but for the case.
        known => format!("{known:?}").trim_start_matches("Method::").to_uppercase(),
    }
}

fn scheme(scheme: Scheme) -> String {
    match scheme {
        Scheme::Http => "http".into(),
        Scheme::Https => "https".into(),
        Scheme::Other(name) => name,
    }
}

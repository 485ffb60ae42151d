//! Tells in plain lines all that the 0.2 lane gives to an app, and what the sandbox refuses it, requests and connections to the outside too.

mod outbound;

use guest_support::connect;
use guest_support::probe::Lines;
use guest_support::standard;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::Method;
use wasip2::http::types::ResponseOutparam;
use wasip2::http::types::Scheme;

struct Environ;

wasip2::http::proxy::export!(Environ);

impl Guest for Environ {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (path, query) = standard::target(&request);
        if path == "/outbound" {
            let url = standard::value(&query, "url").unwrap_or("http://localhost/");
            return standard::text(
                out,
                200,
                &format!("outbound: {}\n", outbound::attempt(url, standard::value(&query, "body"))),
            );
        }
        match path.as_str() {
            "/connect" => return standard::text(out, 200, &connect::attempt(&query)),
            "/connect-many" => return standard::text(out, 200, &connect::attempt_many(&query)),
            _ => {}
        }
        standard::text(out, 200, &report(&request));
    }
}

fn report(request: &IncomingRequest) -> String {
    let headers = request.headers().entries();
    // What the gateway lane has fields for comes in headers that only the host may set.
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let (path, query) = standard::target(request);
    let body = standard::Question::of(request).rest();

    let mut lines = Lines::default();
    lines.add("method", method(request.method()).as_bytes());
    lines.add_some("scheme", request.scheme().map(scheme));
    lines.add_some("authority", request.authority());
    lines.add("mount", header("x-forwarded-prefix").map_or(&[], Vec::as_slice));
    lines.add("path", path.as_bytes());
    if request.path_with_query().is_some_and(|target| target.contains('?')) {
        lines.add("query", query.as_bytes());
    }
    lines.add_some("peer", header("x-forwarded-for"));
    lines.add_some("id", header("x-request-id"));
    for (name, value) in &headers {
        lines.add(format_args!("header {name}"), value);
    }
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

//! Tells in plain lines all that the gateway lane gives to an app, and what the sandbox refuses it, requests and connections to the outside too.

mod outbound;

use guest_support::connect;
use guest_support::probe::Lines;
use guest_support::standard;
use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(request: Request) -> Response {
    if request.uri().path() == "/outbound" {
        // As they are written, like in the other lanes.
        let query = request.uri().query().unwrap_or_default();
        let url = standard::value(query, "url").unwrap_or("http://localhost/");
        return Response::text(format!("outbound: {}\n", outbound::attempt(url, standard::value(query, "body"))));
    }
    match request.uri().path() {
        "/connect" => return Response::text(connect::attempt(request.uri().query().unwrap_or_default())),
        "/connect-many" => return Response::text(connect::attempt_many(request.uri().query().unwrap_or_default())),
        _ => {}
    }
    let mut lines = Lines::default();
    lines.add("method", request.method().as_str().as_bytes());
    lines.add("scheme", request.scheme().as_bytes());
    lines.add("authority", request.authority().as_bytes());
    lines.add("mount", request.mount().as_bytes());
    lines.add("path", request.uri().path().as_bytes());
    lines.add_some("query", request.uri().query());
    lines.add_some("peer", request.peer().map(|peer| peer.to_string()));
    lines.add("id", request.id().as_bytes());
    for (name, value) in request.headers() {
        lines.add(format_args!("header {name}"), value.as_bytes());
    }
    lines.add("body-length", request.body().len().to_string().as_bytes());
    lines.add("body", request.body());
    lines.add_reach();
    Response::text(lines.into_text())
}

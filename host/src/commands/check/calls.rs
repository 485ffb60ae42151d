//! Does a gateway app keep to its interface? It is called with a handful of requests, and what it answers is held against
//! `wit/gateway.wit` and RFC 9110.

use std::sync::Arc;

use bytes::Bytes;
use guesthouse_app::admission::AdmissionError;
use guesthouse_app::app::App;
use guesthouse_app::app::AppBody;
use guesthouse_app::app::CallError;
use guesthouse_app::headers::is_of_connection;
use guesthouse_app::places::pace::Pace;
use guesthouse_app::places::pace::Visitor;
use guesthouse_sandbox::request::GuestRequest;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use tokio::time::Instant;

use crate::commands::check::checked::Called;

/// A body that no app has on its stack.
const LARGE_BODY_BYTES: usize = 1 << 20;

/// One request: method, path with query, body, and how often the field `x-repeated` stands there.
struct Case {
    method: &'static str,
    target: &'static str,
    body_bytes: usize,
    repeated: usize,
    about: &'static str,
}

const fn case(method: &'static str, target: &'static str, body_bytes: usize, about: &'static str) -> Case {
    Case { method, target, body_bytes, repeated: 0, about }
}

const CASES: &[Case] = &[
    case("GET", "/", 0, ""),
    case("HEAD", "/", 0, ""),
    case("BREW", "/", 0, ", an unknown method"),
    case("GET", "/%7Ea%20b/%C3%BC?x=%26&y", 0, ", percent-encoded"),
    case("POST", "/", 0, " without a body"),
    case("POST", "/", LARGE_BODY_BYTES, " with a body of 1 MiB"),
    Case { repeated: 3, ..case("GET", "/", 0, " with a field three times") },
];

/// Calls `app` with each request, one after the other.
pub async fn call(app: &Arc<App>) -> Vec<Called> {
    let mut all = Vec::new();
    for case in CASES {
        all.push(one(app, case).await);
    }
    all
}

async fn one(app: &Arc<App>, case: &Case) -> Called {
    let Case { method, target, about, .. } = case;
    let begun = Instant::now();
    let answer = match app.enter() {
        Some(in_flight) => app.call(in_flight, request(app, case), &Arc::new(Pace::new(Visitor::of(None)))).await,
        None => Err(CallError::from(AdmissionError::QueueFull(0))),
    };
    let mut called = Called {
        request: format!("{method} {target}{about}"),
        status: None,
        us: 0,
        violations: vec![],
        remarks: vec![],
    };
    match answer {
        Ok(response) => {
            called.status = Some(response.status().as_u16());
            look(response, *method == "HEAD", &mut called).await;
        }
        Err(error) => called.violations.push(error.to_string()),
    }
    called.us = begun.elapsed().as_micros();
    called
}

async fn look(response: Response<AppBody>, is_head: bool, called: &mut Called) {
    let (head, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => {
            let body = body.to_bytes().len() as u64;
            let (violations, remarks) = judge(head.status, &head.headers, body, is_head);
            called.violations.extend(violations);
            called.remarks.extend(remarks);
        }
        Err(broken) => called.violations.push(broken.to_string()),
    }
}

/// What is wrong with a response, and what this host puts right.
fn judge(status: StatusCode, headers: &HeaderMap, body_bytes: u64, is_head: bool) -> (Vec<String>, Vec<String>) {
    let (mut violations, mut remarks) = (Vec::new(), Vec::new());
    for name in headers.keys().filter(|name| is_of_connection(name.as_str())) {
        violations.push(format!("sends the field `{name}`, which is the host's to say"));
    }
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) && body_bytes > 0 {
        violations.push(format!("sends a body of {body_bytes} bytes with status {}, which has none", status.as_u16()));
    }
    for value in headers.get_all(CONTENT_LENGTH) {
        let length = value.to_str().ok().and_then(|value| value.parse::<u64>().ok());
        // To HEAD, it says the length of what GET would have got.
        if length != Some(body_bytes) && !(is_head && body_bytes == 0 && length.is_some()) {
            violations.push(format!("says `content-length: {}`, and sends {body_bytes} bytes", shown(value)));
        }
    }
    if is_head && body_bytes > 0 {
        remarks.push("answers HEAD with a body: this host takes its length and sends none of it".to_owned());
    }
    (violations, remarks)
}

fn shown(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn request(app: &App, case: &Case) -> GuestRequest {
    let label = app.name.host_label().unwrap_or("check");
    let length = case.body_bytes.min(usize::try_from(app.limits.request_bytes_max).unwrap_or(usize::MAX));
    let body = Full::new(Bytes::from(vec![b'.'; length])).map_err(|never| match never {}).boxed_unsync();
    let mut headers = HeaderMap::new();
    for _ in 0..case.repeated {
        headers.append(HeaderName::from_static("x-repeated"), HeaderValue::from_static("again"));
    }
    if case.method == "POST" {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    GuestRequest {
        method: Method::from_bytes(case.method.as_bytes()).expect("the table has methods"),
        scheme: Scheme::HTTP,
        authority: Authority::try_from(format!("{label}.localhost")).expect("a label is part of a host"),
        mount: "".into(),
        path_and_query: PathAndQuery::from_static(case.target),
        headers,
        body,
        peer: None,
        id: "check".into(),
        depth: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, fields: &[(&'static str, &'static str)], body_bytes: u64, is_head: bool, expected: &[&str]) {
        let mut headers = HeaderMap::new();
        fields.iter().for_each(|(name, value)| _ = headers.append(*name, HeaderValue::from_static(value)));
        let (violations, remarks) = judge(StatusCode::from_u16(status).unwrap(), &headers, body_bytes, is_head);
        assert_eq!([violations, remarks].concat(), expected);
    }

    #[test]
    fn a_response_is_held_against_the_interface() {
        check(200, &[("content-length", "9"), ("set-cookie", "a"), ("set-cookie", "b")], 9, false, &[]);
        check(200, &[("content-length", "8")], 9, false, &["says `content-length: 8`, and sends 9 bytes"]);
        check(200, &[("content-length", "x")], 0, true, &["says `content-length: x`, and sends 0 bytes"]);
        check(200, &[("content-length", "9")], 0, true, &[]);
        check(204, &[], 3, false, &["sends a body of 3 bytes with status 204, which has none"]);
        check(304, &[], 0, false, &[]);
        check(200, &[("connection", "close")], 0, false, &["sends the field `connection`, which is the host's to say"]);
        check(200, &[], 1, true, &["answers HEAD with a body: this host takes its length and sends none of it"]);
    }
}

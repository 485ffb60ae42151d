//! One request from its head to its response: the street, in the order in which it is walked.

use std::any::Any;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use guesthouse_sandbox::request::GuestRequest;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body::Body as _;
use hyper::body::Incoming;

use crate::app::App;
use crate::app::CallError;
use crate::app::InFlight;
use crate::coding::Accepted;
use crate::routes::Found;
use crate::routes::RouteReader;
use crate::routes::Target;
use crate::routes::host_of;
use crate::serve::access_log::Called;
use crate::serve::access_log::Record;
use crate::serve::activity::Activity;
use crate::serve::activity::Busy;
use crate::serve::admit::Admitted;
use crate::serve::admit::HeadBounds;
use crate::serve::admit::admit;
use crate::serve::body::BodyBounds;
use crate::serve::body::bound;
use crate::serve::door::Door;
use crate::serve::door::DoorKind;
use crate::serve::forwarded;
use crate::serve::index_page::app_lines;
use crate::serve::logged_body::LoggedBody;
use crate::serve::pages::Format;
use crate::serve::refused::Refused;
use crate::serve::request_id::RequestIds;
use crate::serve::respond::Manner;
use crate::serve::respond::Outcome;
use crate::serve::respond::respond;
use crate::serve::settings::ServeSettings;
use crate::serve::statics::Files;
use crate::serve::statics::ask_files;
use crate::serve::statics::fall_back;
use crate::tls::certificate::Certificate;
use crate::tls::certificates::Certificates;

/// How often one request looks for its app. Each further look takes a swap within some instructions.
const LOOKS_MAX: usize = 8;

/// Never an app's, on no host: whoever answers here can have a certificate for the host (RFC 8555 section 8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// Whoever finds no place to wait in is told so after this time. Told at once, some would be back at once, and sending
/// them away would take the cores from those who are answered.
const HURRY: Duration = Duration::from_millis(100);

/// What all requests share.
pub struct Street {
    /// What we were told once.
    pub settings: ServeSettings,
    /// Which app answers for what.
    pub routes: RouteReader,
    /// Names for requests.
    pub ids: RequestIds,
    /// The answers to those who validate names for certificates.
    pub certificates: Option<Arc<Certificates>>,
}

/// What the requests of one connection share.
pub struct Visit {
    /// The street.
    pub street: Arc<Street>,
    /// What the connection is doing.
    pub activity: Arc<Activity>,
    /// Who sends, where that has an address.
    pub peer: Option<IpAddr>,
    /// Whether it is a proxy whose word is taken.
    pub is_trusted: bool,
    /// The listener that they came to.
    pub door: Arc<Door>,
    /// What the connection's TLS was made with.
    pub certificate: Option<Arc<Certificate>>,
}

/// Who sent a request, and how.
struct Sender {
    peer: Option<IpAddr>,
    scheme: Scheme,
}

/// Answers one request. Dropping the future, or the response's body, ends the guest; a line is logged in any case.
pub async fn handle(visit: &Visit, request: Request<Incoming>) -> Response<LoggedBody> {
    let (head, body) = request.into_parts();
    let busy = Busy::begin(visit.activity.clone());
    let given = if visit.is_trusted { forwarded::id(&head.headers) } else { None };
    let id = given.unwrap_or_else(|| visit.street.ids.next());
    let mut record = Record::begin(id, &head.method, &head.uri, busy);
    let manner = Manner {
        format: Format::asked_in(&head.headers),
        is_head: head.method == Method::HEAD,
        can_say_close: head.version < Version::HTTP_2,
        inner_details: visit.street.settings.inner_details,
        hsts: visit.certificate.as_ref().and(visit.street.settings.hsts),
        accepted: Accepted::asked_in(&head.headers),
        compression: visit.street.settings.compression,
    };
    let outcome = without_panic(outcome_of(visit, head, body, &mut record)).await;
    respond(outcome, manner, record)
}

async fn outcome_of(visit: &Visit, head: Parts, body: Incoming, record: &mut Record) -> Outcome {
    let settings = &visit.street.settings;
    if !body.is_end_stream() {
        visit.activity.has_unread();
    }
    let bounds = HeadBounds { fields_max: settings.fields_max, target_bytes_max: settings.target_bytes_max };
    let sender = sender(visit, &head.headers);
    let admitted = match admit(head, bounds) {
        Ok(admitted) => admitted,
        Err(refused) => return Outcome::Refused(refused),
    };
    if let Some(outcome) = elsewhere(visit, &admitted) {
        return outcome;
    }
    let (app, in_flight, mount) = match look_up(&visit.street, &admitted, record) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let bounds = BodyBounds {
        bytes_max: app.limits.request_bytes_max,
        silence: settings.body_silence,
        rate_min: settings.body_rate_min,
    };
    if body.size_hint().exact().is_some_and(|length| length > bounds.bytes_max) {
        return Outcome::Refused(too_large(bounds.bytes_max));
    }
    let Some(path_and_query) = below(&mount, &admitted.path_and_query) else {
        return Outcome::Bug("what is below a mount is not a path".to_owned());
    };
    let mut fallback = None;
    if app.files.may_answer(&admitted.method) {
        // Boxed: most apps have no files, and their requests are not to pay for it.
        match Box::pin(ask_files(&app, &in_flight, &admitted.method, &path_and_query, &admitted.headers)).await {
            Files::Pass(later) => fallback = later.map(|later| (later, in_flight.clone())),
            Files::MissingSlash => return with_slash(&admitted.path_and_query),
            Files::Answered(response) => return Outcome::Answered(response, mount),
            Files::Failed(error) => return Outcome::Unreadable(error),
        }
    }
    let (body, ending) = bound(body, bounds, &visit.activity);
    let request = GuestRequest {
        method: admitted.method,
        scheme: sender.scheme,
        authority: admitted.authority,
        mount: mount.clone(),
        path_and_query,
        headers: admitted.headers,
        body,
        peer: sender.peer,
        id: record.id.clone(),
    };
    match app.call(in_flight, request).await {
        Ok(response) => match fallback {
            Some((fallback, in_flight)) if response.status() == StatusCode::NOT_FOUND => {
                match Box::pin(fall_back(&app, &in_flight, *fallback)).await {
                    Files::Answered(found) => Outcome::Answered(found, mount),
                    Files::Failed(error) => Outcome::Unreadable(error),
                    Files::Pass(_) | Files::MissingSlash => Outcome::Answered(Box::new(response), mount),
                }
            }
            _ => Outcome::Answered(Box::new(response), mount),
        },
        Err(CallError::Fault(fault)) => Outcome::Fault(fault, ending.error().cloned()),
        Err(busy @ CallError::Busy(_)) => Outcome::Busy(busy.to_string()),
        Err(full @ CallError::QueueFull(_)) => {
            tokio::time::sleep(HURRY).await;
            Outcome::Busy(full.to_string())
        }
    }
}

/// By the word of a trusted proxy, else as the connection has it.
fn sender(visit: &Visit, headers: &HeaderMap) -> Sender {
    let own = if visit.certificate.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    if !visit.is_trusted {
        return Sender { peer: visit.peer, scheme: own };
    }
    let visitor = forwarded::visitor(headers, &visit.street.settings.trusted);
    Sender { peer: visitor.or(visit.peer), scheme: forwarded::scheme(headers).unwrap_or(own) }
}

/// What no app answers here: it is ours, or is answered on another connection.
fn elsewhere(visit: &Visit, admitted: &Admitted) -> Option<Outcome> {
    if let Some(token) = admitted.path_and_query.path().strip_prefix(CHALLENGES) {
        let answer = visit.street.certificates.as_ref().and_then(|certificates| certificates.answer_to(token));
        let nothing = || Outcome::Nothing(admitted.path_and_query.path().to_owned());
        return Some(answer.map_or_else(nothing, Outcome::Challenge));
    }
    if let Some(certificate) = &visit.certificate {
        let host = host_of(&admitted.authority);
        // A browser may use one connection for all hosts that its certificate covers (RFC 9113 section 9.1.1), and no other.
        return (!certificate.names.cover(&host)).then(|| Outcome::Uncovered(host.into_owned()));
    }
    if !matches!(visit.door.kind, DoorKind::Redirect) {
        return None;
    }
    let (host, asked) = (host_of(&admitted.authority), &admitted.path_and_query);
    if matches!(visit.street.routes.snapshot().find(&host, asked.path()), Found::Foreign) {
        return Some(Outcome::Foreign(host.into_owned()));
    }
    let location = match visit.door.https_port {
        443 => format!("https://{host}{asked}"),
        port => format!("https://{host}:{port}{asked}"),
    };
    Some(match HeaderValue::try_from(location) {
        Ok(location) => Outcome::Secure(location),
        Err(_) => Outcome::Refused(Refused::bad("the request's target cannot be redirected")),
    })
}

/// Looks for the app, and enters it. Whoever is overtaken by a swap between the two looks again: the table is stored
/// before the old revision is closed.
fn look_up(
    street: &Street,
    admitted: &Admitted,
    record: &mut Record,
) -> Result<(Arc<App>, InFlight, Arc<str>), Outcome> {
    for _ in 0..LOOKS_MAX {
        let (app, mount) = look(street, admitted, record)?;
        if let Some(in_flight) = app.enter() {
            return Ok((app, in_flight, mount));
        }
    }
    Err(Outcome::Waiting("it is replaced faster than it can be looked up".to_owned()))
}

/// Takes one snapshot, and out of it what the request needs: the table is let go before anything is awaited.
fn look(street: &Street, admitted: &Admitted, record: &mut Record) -> Result<(Arc<App>, Arc<str>), Outcome> {
    let table = street.routes.snapshot();
    let (host, path) = (host_of(&admitted.authority), admitted.path_and_query.path());
    match table.find(&host, path) {
        Found::App { target: Target::Live(app), mount, .. } => {
            record.app = Called::Live(app.clone());
            Ok((app.clone(), mount.clone()))
        }
        Found::App { target: Target::Waiting(why), name, .. } => {
            record.app = Called::Waiting(name.clone());
            Err(Outcome::Waiting(why.clone()))
        }
        Found::MissingSlash => Err(with_slash(&admitted.path_and_query)),
        Found::NotYet => Err(Outcome::Starting),
        Found::Nothing if path == "/" && street.settings.inner_details && !is_below(&host, &table.origins().domain) => {
            Err(Outcome::Index(app_lines(&table, &admitted.authority)))
        }
        Found::Nothing => Err(Outcome::Nothing(path.to_owned())),
        Found::Foreign => Err(Outcome::Foreign(host.into_owned())),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|label| label.ends_with('.'))
}

/// The path leads to a mount, so it begins with one slash and a name: nobody can make it `//elsewhere`.
fn with_slash(asked: &PathAndQuery) -> Outcome {
    let location = match asked.query() {
        Some(query) => format!("{}/?{query}", asked.path()),
        None => format!("{}/", asked.path()),
    };
    match HeaderValue::try_from(location) {
        Ok(location) => Outcome::MissingSlash(location),
        Err(_) => Outcome::Refused(Refused::bad("the request's target cannot be redirected")),
    }
}

fn too_large(bytes_max: u64) -> Refused {
    let reason = format!("the request's body is longer than the {bytes_max} bytes that the app takes");
    Refused { status: StatusCode::PAYLOAD_TOO_LARGE, reason: reason.into() }
}

/// What is left of a path below a mount. Nothing is copied for an app that has the host for itself.
fn below(mount: &str, path_and_query: &PathAndQuery) -> Option<PathAndQuery> {
    if mount.is_empty() {
        return Some(path_and_query.clone());
    }
    PathAndQuery::try_from(path_and_query.as_str().strip_prefix(mount)?).ok()
}

/// A bug of ours costs one request (500), not the connection's other streams. No `async fn`, which would hold the future
/// twice.
fn without_panic(outcome: impl Future<Output = Outcome>) -> impl Future<Output = Outcome> {
    // After a panic the future is not polled again, so nobody sees what it left half done.
    let caught = AssertUnwindSafe(outcome).catch_unwind();
    caught.map(|outcome| outcome.unwrap_or_else(|panic| Outcome::Bug(message_of(&*panic))))
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mount: &str, asked: &'static str, expected: &str) {
        let below = below(mount, &PathAndQuery::from_static(asked)).unwrap();
        assert_eq!(below.as_str(), expected, "{mount} {asked}");
    }

    #[test]
    fn a_guest_sees_what_is_below_its_mount() {
        check("", "/a//b?c", "/a//b?c");
        check("/shop", "/shop/", "/");
        check("/shop", "/shop/%41?q=%", "/%41?q=%");
        check("/api/users", "/api/users//x", "//x");
    }

    #[tokio::test]
    async fn a_panic_is_an_outcome() {
        let outcome = without_panic(async { panic!("no {}", "way") }).await;
        assert!(matches!(outcome, Outcome::Bug(message) if message == "no way"));
    }
}

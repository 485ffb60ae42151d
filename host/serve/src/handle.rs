//! One request from its head to its response: the street, in the order in which it is walked.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use guesthouse_app::app::CallError;
use guesthouse_app::coding::Accepted;
use guesthouse_app::files::error::FileError;
use guesthouse_sandbox::request::GuestRequest;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use http::request::Parts;
use http_body::Body as _;
use hyper::body::Incoming;

use crate::access_log::Record;
use crate::activity::Busy;
use crate::admit::HeadBounds;
use crate::admit::admit;
use crate::body::BodyBounds;
use crate::body::bound;
use crate::elsewhere::elsewhere;
use crate::leftover::Kept;
use crate::leftover::keep;
use crate::logged_body::LoggedBody;
use crate::look_up::below;
use crate::look_up::look_up;
use crate::look_up::with_slash;
use crate::pages::Format;
use crate::refused::Refused;
use crate::respond::Manner;
use crate::respond::Outcome;
use crate::respond::respond;
use crate::statics::Files;
use crate::statics::ask_files;
use crate::statics::fall_back;
use crate::visit::Visit;

/// Whoever finds no place to wait in is told so after this time. Told at once, some would be back at once, and sending
/// them away would take the cores from those who are answered.
const HURRY: Duration = Duration::from_millis(100);

/// Answers one request. Dropping the future, or the response's body, ends the guest; a line is logged in any case.
pub async fn handle(visit: &Visit, request: Request<Incoming>) -> Response<LoggedBody> {
    let (head, body) = request.into_parts();
    let busy = Busy::begin(visit.activity.clone());
    let mut record = Record::begin(visit.id(&head.headers), &head.method, &head.uri, busy);
    let (body, leftover) = keep(body, &visit.activity, &visit.street.tracker);
    record.leftover = leftover;
    let manner = Manner {
        format: Format::asked_in(&head.headers),
        is_head: head.method == Method::HEAD,
        can_say_close: head.version < Version::HTTP_2,
        inner_details: visit.street.settings.inner_details,
        hsts: visit.certificate.as_ref().and(visit.street.settings.hsts),
        accepted: Accepted::asked_in(&head.headers),
        held: head.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect(),
        compression: visit.street.settings.compression,
    };
    let outcome = without_panic(outcome_of(visit, head, body, &mut record)).await;
    let mut response = respond(outcome, manner, record, &visit.street);
    if let Some(leftover) = response.body_mut().holds_up_head() {
        // Boxed: nearly no request has one.
        Box::pin(leftover.settle()).await;
    }
    response
}

async fn outcome_of(visit: &Visit, head: Parts, body: Kept, record: &mut Record) -> Outcome {
    let settings = &visit.street.settings;
    if !body.is_end_stream() {
        visit.activity.has_unread();
    }
    let bounds = HeadBounds { fields_max: settings.fields_max, target_bytes_max: settings.target_bytes_max };
    let sender = visit.sender(&head.headers);
    let admitted = match admit(head, bounds) {
        Ok(admitted) => admitted,
        Err(refused) => return Outcome::Refused(refused),
    };
    if let Some(outcome) = elsewhere(visit, &admitted) {
        return outcome;
    }
    let (app, in_flight, place) = match look_up(&visit.street, &admitted, record) {
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
    let Some(path_and_query) = below(&place.mount, &admitted.path_and_query) else {
        return Outcome::Bug("what is below a mount is not a path".to_owned());
    };
    let mut fallback = None;
    if app.files.may_answer(&admitted.method) {
        // Boxed: most apps have no files, and their requests are not to pay for it.
        match Box::pin(ask_files(&app, &in_flight, &admitted.method, &path_and_query, &admitted.headers)).await {
            Files::Pass(later) => fallback = later.map(|later| (later, in_flight.clone())),
            Files::MissingSlash => return with_slash(&admitted.path_and_query),
            Files::Answered(response) => return Outcome::Answered(response, place),
            Files::Failed(error) => return unsent(error).await,
        }
    }
    let (body, upload) = bound(body, bounds, &visit.activity);
    record.upload = upload;
    let request = GuestRequest {
        method: admitted.method,
        scheme: sender.scheme,
        authority: admitted.authority,
        mount: place.mount.clone(),
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
                    Files::Answered(found) => Outcome::Answered(found, place),
                    Files::Failed(error) => unsent(error).await,
                    Files::Pass(_) | Files::MissingSlash => Outcome::Answered(Box::new(response), place),
                }
            }
            _ => Outcome::Answered(Box::new(response), place),
        },
        Err(CallError::Fault(fault)) => Outcome::Fault(fault),
        Err(busy @ CallError::Busy(_)) => Outcome::Busy(busy.to_string()),
        Err(full @ CallError::QueueFull(_)) => {
            tokio::time::sleep(HURRY).await;
            Outcome::Busy(full.to_string())
        }
    }
}

async fn unsent(error: FileError) -> Outcome {
    match error {
        FileError::Full => {
            tokio::time::sleep(HURRY).await;
            Outcome::Busy(error.to_string())
        }
        _ => Outcome::Unreadable(error),
    }
}

fn too_large(bytes_max: u64) -> Refused {
    let reason = format!("the request's body is longer than the {bytes_max} bytes that the app takes");
    Refused { status: StatusCode::PAYLOAD_TOO_LARGE, reason: reason.into() }
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

    #[tokio::test]
    async fn a_panic_is_an_outcome() {
        let outcome = without_panic(async { panic!("no {}", "way") }).await;
        assert!(matches!(outcome, Outcome::Bug(message) if message == "no way"));
    }
}

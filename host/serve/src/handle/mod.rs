//! One request from its head to its response: the request path, step by step.

pub(crate) mod look_up;
pub(crate) mod reserved;
pub(crate) mod statics;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use guesthouse_app::admission::AdmissionError;
use guesthouse_app::app::CallError;
use guesthouse_app::coding::Accepted;
use guesthouse_app::files::error::FileError;
use guesthouse_app::places::pace::Pace;
use guesthouse_app::places::pace::Visitor;
use guesthouse_app::request_buffer::BufferError;
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
use crate::handle::look_up::below;
use crate::handle::look_up::look_up;
use crate::handle::look_up::with_slash;
use crate::handle::reserved::reserved;
use crate::handle::statics::Files;
use crate::handle::statics::ask_files;
use crate::handle::statics::fall_back;
use crate::pages::Format;
use crate::request::admit::HeadLimits;
use crate::request::admit::admit;
use crate::request::body::BodyLimits;
use crate::request::body::bound;
use crate::request::context::ConnectionContext;
use crate::request::refused::Refused;
use crate::response::respond::Outcome;
use crate::response::respond::ResponseOptions;
use crate::response::respond::respond;
use crate::response::tracked_body::TrackedBody;
use crate::track::activity::Busy;
use crate::track::unread_body::KeptBody;
use crate::track::unread_body::keep;

/// Whoever finds no place to wait in is told so after this time. Told at once, some would be back at once, and sending
/// them away would take the cores from those who are answered.
const HURRY: Duration = Duration::from_millis(100);

/// Answers one request. Dropping the future, or the response's body, ends the guest; a line is logged in any case.
pub async fn handle(context: &ConnectionContext, request: Request<Incoming>) -> Response<TrackedBody> {
    let (head, body) = request.into_parts();
    let busy = Busy::begin(context.activity.clone());
    let mut record = Record::begin(context.id(&head.headers), &head.method, &head.uri, busy);
    record.access_log = context.shared.settings.access_log;
    let (body, unread_body) = keep(body, &context.activity, &context.shared.tracker);
    record.unread_body = unread_body;
    let options = ResponseOptions {
        format: Format::asked_in(&head.headers),
        is_head: head.method == Method::HEAD,
        can_say_close: head.version < Version::HTTP_2,
        inner_details: context.shared.settings.inner_details,
        hsts: context.certificate.as_ref().and(context.shared.settings.hsts),
        accepted: Accepted::asked_in(&head.headers),
        held: head.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect(),
        compression: context.shared.settings.compression,
    };
    let outcome = without_panic(outcome_of(context, head, body, &mut record)).await;
    let mut response = respond(outcome, options, record, &context.shared);
    if let Some(unread_body) = response.body_mut().holds_up_head() {
        // Boxed: nearly no request has one.
        Box::pin(unread_body.settle()).await;
    }
    response
}

async fn outcome_of(context: &ConnectionContext, head: Parts, body: KeptBody, record: &mut Record) -> Outcome {
    let settings = &context.shared.settings;
    if !body.is_end_stream() {
        context.activity.has_unread();
    }
    let bounds = HeadLimits { fields_max: settings.fields_max, target_bytes_max: settings.target_bytes_max };
    let sender = context.sender(&head.headers);
    let admitted = match admit(head, bounds) {
        Ok(admitted) => admitted,
        Err(refused) => return Outcome::Refused(refused),
    };
    if let Some(outcome) = reserved(context, &admitted) {
        return outcome;
    }
    let (app, in_flight, place) = match look_up(&context.shared, &admitted, record) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let bounds = BodyLimits {
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
    let pace = Arc::new(Pace::new(Visitor::of(sender.peer)));
    record.pace = Some(pace.clone());
    let mut fallback = None;
    if app.files.may_answer(&admitted.method) {
        // Boxed: most apps have no files, and their requests are not to pay for it.
        match Box::pin(ask_files(&app, &in_flight, &pace, &admitted.method, &path_and_query, &admitted.headers)).await {
            Files::Pass(later) => fallback = later.map(|later| (later, in_flight.clone())),
            Files::MissingSlash => return with_slash(&admitted.path_and_query),
            Files::Answered(response) => return Outcome::Answered(response, place),
            Files::Failed(error) => return unsent(error).await,
        }
    }
    let (body, upload) = bound(body, bounds, &context.activity, &pace);
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
        depth: 0,
    };
    match app.call(in_flight, request, &pace).await {
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
        Err(CallError::Admission(full)) => {
            if let AdmissionError::QueueFull(_) = full {
                tokio::time::sleep(HURRY).await;
            }
            Outcome::Busy(full.to_string())
        }
        Err(CallError::Buffer(error @ BufferError::TooLarge(_))) => {
            Outcome::Refused(Refused { status: StatusCode::PAYLOAD_TOO_LARGE, reason: error.to_string().into() })
        }
        Err(CallError::Buffer(error)) => {
            tokio::time::sleep(HURRY).await;
            Outcome::Busy(error.to_string())
        }
        Err(slow @ CallError::GaveWay) => {
            Outcome::Refused(Refused { status: StatusCode::REQUEST_TIMEOUT, reason: slow.to_string().into() })
        }
    }
}

async fn unsent(error: FileError) -> Outcome {
    match error {
        FileError::Full(_) => {
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

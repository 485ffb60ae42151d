//! From what came of a request to what the visitor sees.

use std::time::Duration;

use bytes::Bytes;
use guesthouse_app::app::AppBody;
use guesthouse_app::coding::Accepted;
use guesthouse_app::failure_status;
use guesthouse_app::files::error::FileError;
use guesthouse_app::routes::RouteMatch;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::request::BodyError;
use guesthouse_types::name::AppName;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use tracing::error;
use tracing::warn;

use crate::access_log::Record;
use crate::access_log::RoutedTo;
use crate::access_log::log_fault;
use crate::dev_pages::DevPage;
use crate::dev_pages::DevPages;
use crate::pages::Format;
use crate::pages::Page;
use crate::request::context::ServeContext;
use crate::request::refused::Refused;
use crate::response::answer::Answer;
use crate::response::answer::AnswerOptions;
use crate::response::answer::answer;
use crate::response::declared_length::DeclaredLength;
use crate::response::tracked_body::Source;
use crate::response::tracked_body::TrackedBody;
use crate::settings::ServeSettings;

/// What came of a request.
pub enum Outcome {
    /// The app answered, at this place.
    Answered(Box<Response<AppBody>>, RouteMatch),
    /// We did not take the request.
    Refused(Refused),
    /// The host is not ours.
    Foreign(String),
    /// Nothing answers there.
    Nothing(String),
    /// The connection's certificate does not cover the host.
    Uncovered(String),
    /// Somebody validates a name of ours for a certificate: what is answered.
    Challenge(String),
    /// It is answered over TLS only: where to go.
    Secure(HeaderValue),
    /// The same with a slash is an app: where to go.
    MissingSlash(HeaderValue),
    /// The apps folder has not been looked at yet.
    Starting,
    /// The app is known, but cannot serve: why.
    Waiting(String),
    /// The app is known, and will not serve until somebody changes something: why.
    AppRefused(String),
    /// No app answers, and `dev` has a page instead.
    Dev(Box<DevPage>),
    /// No permit came free in time.
    Busy(String),
    /// The guest failed before it had a response, perhaps since the request's body did.
    Fault(Fault),
    /// A file of the app's is there and cannot be read.
    Unreadable(FileError),
    /// We failed.
    Bug(String),
}

/// How to speak to the visitor.
#[derive(Debug)]
pub struct ResponseOptions {
    /// How pages are written.
    pub format: Format,
    /// Whether the request was HEAD, whose response has no body.
    pub is_head: bool,
    /// Whether the connection can be asked to close by a field (HTTP/1).
    pub can_say_close: bool,
    /// Whether inner details are shown.
    pub inner_details: bool,
    /// For how long browsers shall come over TLS only.
    pub hsts: Option<Duration>,
    /// What an app's body may be compressed with.
    pub accepted: Accepted,
    /// What the visitor has already: the values of `If-None-Match`.
    pub held: Vec<HeaderValue>,
    /// Whether bodies of apps that do not say are compressed.
    pub compression: bool,
}

/// A page, its status, and what goes with it.
struct Reply {
    status: StatusCode,
    page: Page,
    fields: Vec<(HeaderName, HeaderValue)>,
    /// After a request that others could read in another way, nothing on the connection can be trusted.
    close: bool,
}

/// Writes the response.
pub fn respond(
    outcome: Outcome,
    mut options: ResponseOptions,
    record: Record,
    shared: &ServeContext,
) -> Response<TrackedBody> {
    let reply = match outcome {
        Outcome::Answered(response, place) => {
            let accepted = may_compress(&options, &record).then_some(options.accepted);
            let overlay = overlay(&options, &record, &shared.settings);
            let (held, pace) = (std::mem::take(&mut options.held), record.pace.as_ref());
            match answer(
                *response,
                &place,
                AnswerOptions { is_head: options.is_head, accepted, held, pace, overlay },
                &shared.encoders,
            ) {
                Ok(Answer { head, source, declared_length }) => {
                    return finish(Response::from_parts(head, ()), source, declared_length, options.hsts, record);
                }
                Err(fault) => fault_reply(&fault, &record),
            }
        }
        Outcome::Refused(refused) => refused_reply(&refused),
        Outcome::Foreign(host) => foreign_reply(&host),
        Outcome::Uncovered(host) => {
            let happened = format!("This connection was made for another host than `{host}`.");
            Reply::new(StatusCode::MISDIRECTED_REQUEST, happened).advised("Load the page again.")
        }
        Outcome::Challenge(answer) => {
            let mut response = Response::new(());
            let octets = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, octets);
            return finish(response, Source::Page(Some(answer.into())), DeclaredLength::new(None), None, record);
        }
        Outcome::Secure(location) => {
            let reply = Reply::new(StatusCode::PERMANENT_REDIRECT, "This is answered over HTTPS only.".to_owned());
            reply.with(header::LOCATION, location)
        }
        Outcome::Nothing(path) => {
            let happened = format!("There is no page at `{path}`.");
            Reply::new(StatusCode::NOT_FOUND, happened).for_operator(where_apps_answer(shared))
        }
        Outcome::MissingSlash(location) => {
            let reply = Reply::new(StatusCode::PERMANENT_REDIRECT, "This address ends in a slash.".to_owned());
            reply.with(header::LOCATION, location)
        }
        Outcome::Starting => {
            let happened = "This server is just starting.".to_owned();
            Reply::new(StatusCode::SERVICE_UNAVAILABLE, happened).retry_after("1")
        }
        Outcome::Waiting(why) => {
            let happened = format!("`{}` is not ready yet.", record.app_name());
            let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE, happened).retry_after("2").detailed(why);
            // Who works on an app has just built it.
            if shared.settings.dev_pages.is_some() { reply.refreshed() } else { reply }
        }
        Outcome::AppRefused(why) => {
            let happened = format!("`{}` cannot be started.", record.app_name());
            let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE, happened);
            let reply = reply.advised("Trying again does not help until whoever runs this site has mended it.");
            let hint = "The log, `status.json` and `guesthouse check` say why, and what to do.";
            reply.for_operator(hint.to_owned()).detailed(why)
        }
        Outcome::Dev(page) => dev_reply(*page),
        Outcome::Busy(why) => {
            let happened = format!("`{}` is busy.", record.app_name());
            Reply::new(StatusCode::SERVICE_UNAVAILABLE, happened).retry_after("1").detailed(why)
        }
        Outcome::Fault(fault) => fault_reply(&fault, &record),
        Outcome::Unreadable(why) => {
            let (name, id) = (record.app_name(), &*record.id);
            warn!(
                target: "guesthouse::serve",
                { app.name = name, request.id = id },
                "a file of `{name}` was not sent: {why}"
            );
            let happened = format!("A file of `{name}` could not be read.");
            Reply::new(StatusCode::SERVICE_UNAVAILABLE, happened).retry_after("1").detailed(why.to_string())
        }
        Outcome::Bug(message) => {
            error!(
                target: "guesthouse::serve",
                { app.name = record.app_name(), request.id = &*record.id },
                "a bug of ours: {message}"
            );
            let reply = Reply::new(StatusCode::INTERNAL_SERVER_ERROR, "The server failed.".to_owned());
            let hint = "This is a bug in Guesthouse, not in the app. Please report it, with the log's lines about it.";
            reply.for_operator(hint.to_owned()).detailed(message)
        }
    };
    reply.write(&options, record)
}

/// The app's own word counts before the operator's default.
fn may_compress(options: &ResponseOptions, record: &Record) -> bool {
    match &record.app {
        RoutedTo::Live(app) => app.compress.unwrap_or(options.compression),
        RoutedTo::Nobody | RoutedTo::Waiting(_) => false,
    }
}

/// Who may put something over the app's response, if it is a page.
fn overlay<'a>(
    options: &ResponseOptions,
    record: &'a Record,
    settings: &'a ServeSettings,
) -> Option<(&'a dyn DevPages, &'a AppName)> {
    let pages = settings.dev_pages.as_deref()?;
    let (RoutedTo::Live(app), Format::Html) = (&record.app, options.format) else { return None };
    Some((pages, &app.name))
}

/// The rest of the one match: what is said of a fault.
fn fault_reply(fault: &Fault, record: &Record) -> Reply {
    log_fault(record, fault);
    let name = record.app_name();
    // Whatever the guest made of it: when the body failed first, that is what the visitor can mend.
    let body = match fault {
        Fault::RequestBody(error) => Some(error),
        _ => record.upload.error(),
    };
    let status = body.map_or_else(|| failure_status::of_fault(fault), failure_status::of_body);
    match (body, fault) {
        (Some(BodyError::TooLarge { bytes_max }), _) => too_large_reply(*bytes_max, name),
        (Some(BodyError::Silent(silence)), _) => {
            let happened = format!("Nothing more of the request's body arrived for {silence:?}.");
            Reply::new(status, happened).closing()
        }
        (Some(BodyError::Slow { rate_min }), _) => {
            let happened = format!("The request's body arrived at less than {rate_min} bytes a second.");
            Reply::new(status, happened).closing()
        }
        (Some(BodyError::Broken(why)), _) => {
            let happened = "The request's body broke off.".to_owned();
            Reply::new(status, happened).closing().detailed(why.clone())
        }
        (None, Fault::Cpu(_) | Fault::Head(_) | Fault::Unset(_) | Fault::BodyIdle(_)) => {
            Reply::new(status, format!("`{name}` did not answer in time."))
        }
        (None, Fault::Full(_) | Fault::Retired) => Reply::new(status, format!("`{name}` is busy.")).retry_after("1"),
        (None, _) => Reply::new(status, format!("`{name}` failed.")),
    }
    .detailed(fault_details(fault))
}

fn fault_details(fault: &Fault) -> String {
    match fault.backtrace() {
        Some(backtrace) => format!("{fault}\n\n{backtrace}"),
        None => fault.to_string(),
    }
}

fn too_large_reply(bytes_max: u64, name: &str) -> Reply {
    let happened = format!("The request's body is longer than the {bytes_max} bytes that `{name}` takes.");
    Reply::new(StatusCode::PAYLOAD_TOO_LARGE, happened).closing()
}

fn dev_reply(dev: DevPage) -> Reply {
    let DevPage { status, page, app: _, is_refreshed } = dev;
    let reply = Reply { status, page, fields: Vec::new(), close: false };
    if is_refreshed { reply.retry_after("2").refreshed() } else { reply }
}

fn refused_reply(refused: &Refused) -> Reply {
    let mut happened = format!("{}.", refused.reason);
    if let Some(first) = happened.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let reply = Reply::new(refused.status, happened).closing();
    if refused.status == StatusCode::METHOD_NOT_ALLOWED {
        return reply.with(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    reply
}

fn foreign_reply(host: &str) -> Reply {
    let happened = format!("This server does not answer for the host `{host}`.");
    let hint = format!("If it should, start it with `--host {host}`, or name the host in an app's manifest.");
    Reply::new(StatusCode::MISDIRECTED_REQUEST, happened).for_operator(hint)
}

/// Where an app would answer, as this host is set up.
fn where_apps_answer(shared: &ServeContext) -> String {
    let table = shared.routes.snapshot();
    let origins = table.origins();
    let places = match origins.path_routes {
        true => format!("`/shop/` and at `shop.{}`", origins.domain),
        false => format!("`shop.{}`", origins.domain),
    };
    format!("An app in the file `shop.wasm` of the apps folder answers at {places}.")
}

impl Reply {
    fn new(status: StatusCode, happened: String) -> Reply {
        Reply { status, page: Page::about(status, happened), fields: Vec::new(), close: false }
    }

    fn detailed(mut self, details: String) -> Reply {
        self.page.details = Some(details);
        self
    }

    fn advised(mut self, advice: &str) -> Reply {
        advice.clone_into(&mut self.page.advice);
        self
    }

    /// What only whoever works on this machine sees.
    fn for_operator(mut self, hint: String) -> Reply {
        self.page.for_operator = Some(hint);
        self
    }

    fn closing(mut self) -> Reply {
        self.close = true;
        self
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Reply {
        self.fields.push((name, value));
        self
    }

    fn retry_after(self, seconds: &'static str) -> Reply {
        self.with(header::RETRY_AFTER, HeaderValue::from_static(seconds))
    }

    /// A browser looks again by itself.
    fn refreshed(self) -> Reply {
        self.with(header::REFRESH, HeaderValue::from_static("2"))
    }

    fn write(mut self, options: &ResponseOptions, record: Record) -> Response<TrackedBody> {
        if !options.inner_details {
            (self.page.details, self.page.for_operator) = (None, None);
        }
        let mut response = Response::new(());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, options.format.media_type()),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.extend(self.fields);
        if self.close && options.can_say_close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let text = Bytes::from(self.page.render(options.format, &record.id));
        if options.is_head {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
            return finish(response, Source::Page(None), DeclaredLength::new(None), options.hsts, record);
        }
        finish(response, Source::Page(Some(text)), DeclaredLength::new(None), options.hsts, record)
    }
}

fn finish(
    mut response: Response<()>,
    source: Source,
    declared_length: DeclaredLength,
    hsts: Option<Duration>,
    mut record: Record,
) -> Response<TrackedBody> {
    const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    let id = HeaderValue::from_str(&record.id).expect("an id is letters, digits and `-`");
    response.headers_mut().insert(X_REQUEST_ID, id);
    if let Some(hsts) = hsts {
        // What an app says of its own host goes before it.
        let value = || HeaderValue::try_from(format!("max-age={}", hsts.as_secs())).expect("digits and a word");
        response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert_with(value);
    }
    record.status = Some(response.status());
    response.map(|()| TrackedBody::new(source, record, declared_length))
}

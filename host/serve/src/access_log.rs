//! One log line for each request, whatever becomes of it; and one for each fault.

use std::sync::Arc;
use std::time::Duration;

use guesthouse_app::app::App;
use guesthouse_app::app::Broken;
use guesthouse_app::fault_log;
use guesthouse_app::files::error::FileError;
use guesthouse_app::places::pace::Pace;
use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::request::BodyError;
use guesthouse_types::escape::one_line;
use guesthouse_types::name::AppName;
use http::Method;
use http::StatusCode;
use http::Uri;
use http::uri::PathAndQuery;
use tokio::time::Instant;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::request::body::Ending;
use crate::settings::AccessLog;
use crate::track::activity::Busy;
use crate::track::timeouts::CloseOrder;
use crate::track::unread_body::UnreadBody;

/// The target of the lines about requests.
pub const ACCESS: &str = "guesthouse::access";

/// A request that took this long is worth a look of whoever works on its app.
const SLOW: Duration = Duration::from_secs(1);

/// What is known of a request. It writes its line when it is dropped: when the response's body has ended or was dropped,
/// or when the visitor left before there was a response.
pub struct Record {
    /// The request's id.
    pub id: Arc<str>,
    /// Its method.
    pub method: Method,
    /// The app that it leads to.
    pub app: RoutedTo,
    /// The status of the response, once there is one.
    pub status: Option<StatusCode>,
    /// The bytes of the body that were handed to the connection.
    pub bytes: u64,
    /// How the response ended.
    pub end: BodyEnd,
    /// How the request's own body ended.
    pub upload: Ending,
    /// The request's mark on its connection.
    pub busy: Busy,
    /// What may be left of its body when its answer is out.
    pub unread_body: Option<UnreadBody>,
    /// How fast its visitor sends and reads, once it leads to an app.
    pub pace: Option<Arc<Pace>>,
    /// Whether it is logged whatever becomes of it.
    pub access_log: AccessLog,
    target: Option<PathAndQuery>,
    begun: Instant,
}

/// Which app a request leads to.
pub enum RoutedTo {
    /// None, or none yet.
    Nobody,
    /// One that cannot serve.
    Waiting(AppName),
    /// One that serves.
    Live(Arc<App>),
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// It did not end: the visitor went away, or we cut the connection.
    Open,
    /// Complete.
    Whole,
    /// The guest failed within its body.
    Failed,
}

impl Record {
    /// At the beginning of a request.
    pub fn begin(id: Arc<str>, method: &Method, uri: &Uri, busy: Busy) -> Record {
        Record {
            id,
            method: method.clone(),
            app: RoutedTo::Nobody,
            status: None,
            bytes: 0,
            end: BodyEnd::Open,
            upload: Ending::default(),
            busy,
            unread_body: None,
            pace: None,
            access_log: AccessLog::All,
            target: uri.path_and_query().cloned(),
            begun: Instant::now(),
        }
    }

    /// The app's name, or `-`.
    pub fn app_name(&self) -> &str {
        match &self.app {
            RoutedTo::Nobody => "-",
            RoutedTo::Waiting(name) => name.as_str(),
            RoutedTo::Live(app) => app.name.as_str(),
        }
    }

    /// Whether somebody who works on the app wants to see it.
    fn is_notable(&self, outcome: &str, took: Duration) -> bool {
        let is_fine = self.status.is_some_and(|status| status.as_u16() < 400) && outcome == "whole";
        !is_fine || took >= SLOW
    }

    fn outcome(&self) -> &'static str {
        match self.end {
            BodyEnd::Whole => "whole",
            // The guest could not go on without a body whose sender has left.
            BodyEnd::Failed if matches!(self.upload.error(), Some(BodyError::Broken(_))) => "gone",
            BodyEnd::Failed => "cut",
            BodyEnd::Open if self.busy.activity.was_told(CloseOrder::Cut) => "cut",
            BodyEnd::Open => "gone",
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let (outcome, took) = (self.outcome(), self.begun.elapsed());
        if self.access_log == AccessLog::Notable && !self.is_notable(outcome, took) {
            return;
        }
        let revision = match &self.app {
            RoutedTo::Live(app) => Some(app.revision),
            RoutedTo::Nobody | RoutedTo::Waiting(_) => None,
        };
        let method = self.method.as_str();
        // Without the query: it often holds what is secret.
        let path = one_line(self.target.as_ref().map_or("-", PathAndQuery::path));
        let status = self.status.map_or(0, |status| status.as_u16());
        info!(
            target: ACCESS,
            {
                request.id = &*self.id,
                app.name = self.app_name(),
                app.revision = revision.map(tracing::field::display),
                method,
                path = %path,
                status,
                duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3,
                bytes = self.bytes,
                outcome,
            },
            "{method} {path} {status}",
        );
    }
}

/// Logs a guest's failure. It is called once for each, before the head or after it.
pub fn log_fault(record: &Record, fault: &Fault) {
    // A request that led to no app has no guest that could fail.
    let RoutedTo::Live(app) = &record.app else { return };
    match fault {
        // A body that breaks off under a guest often makes it fail.
        Fault::Trap { .. } | Fault::Guest(_) | Fault::NoResponse | Fault::BadResponse(_)
            if let Some(error) = record.upload.error() =>
        {
            let (name, id) = (record.app_name(), &*record.id);
            info!(
                target: "guesthouse::serve",
                { app.name = name, app.revision = %app.revision, request.id = id },
                "`{name}` gave no whole response: the request's body: {error}; then: {fault}"
            );
        }
        _ => fault_log::log_fault(app, &record.id, fault),
    }
}

/// Logs why a body broke off when its head was long sent.
pub fn log_broken(record: &Record, broken: &Broken) {
    match broken {
        Broken::Guest(fault) => log_fault(record, fault),
        // The visitor's doing.
        Broken::GaveWay | Broken::File(FileError::GaveWay) => {
            let (name, id) = (record.app_name(), &*record.id);
            info!(
                target: "guesthouse::serve",
                { app.name = name, request.id = id },
                "a response of `{name}` was cut: {broken}"
            );
        }
        Broken::File(error) => {
            let (name, id) = (record.app_name(), &*record.id);
            warn!(
                target: "guesthouse::serve",
                { app.name = name, request.id = id },
                "a file of `{name}` was cut: {error}"
            );
        }
        Broken::Lost => {
            let (name, id) = (record.app_name(), &*record.id);
            error!(
                target: "guesthouse::serve",
                { app.name = name, request.id = id },
                "a response of `{name}` was cut: {broken}"
            );
        }
    }
}

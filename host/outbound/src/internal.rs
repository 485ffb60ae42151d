//! Requests of one app to another of the same host, which never leave it: `http://NAME.guesthouse.internal`.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;

use bytes::Bytes;
use guesthouse_types::target::Target;
use http::Request;
use http::Response;
use http_body_util::combinators::UnsyncBoxBody;
use tokio_util::task::AbortOnDropHandle;
use tokio_util::task::TaskTracker;
use url::Host;

/// What follows on an app's name. `.internal` is nobody's in the names of the internet (ICANN, 2024).
const BELOW: &str = ".guesthouse.internal";

/// Apps that may have called one another before a request: whoever calls in a circle is told so.
pub const DEPTH_MAX: u8 = 8;

/// The field that says which app a request is from. The host sets it, and takes it from nobody.
pub const CALLER_FIELD: &str = "x-guesthouse-caller";

/// A body of either direction.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The app's name.
    pub app: String,
    /// The id of the request that it is at work on.
    pub request_id: Arc<str>,
    /// How many apps had called one another before that one.
    pub depth: u8,
}

/// One request to another app.
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The name of the app that is called.
    pub app: String,
    /// What is asked.
    pub request: Request<Body>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InternalError {
    /// There is no such app, or none that serves.
    #[error("no app of that name serves here")]
    NoSuchApp,
    /// It has not named the caller.
    #[error("it does not let this app call it: `[internal] callers = [\"{caller}\"]` in its manifest would")]
    NotACaller {
        /// The caller.
        caller: String,
    },
    /// Apps call one another in a circle.
    #[error("{DEPTH_MAX} apps have called one another for this request already")]
    TooDeep,
    /// A bug of the host's.
    #[error("the host failed")]
    Failed,
    /// By TLS, or another port.
    #[error("another app is asked by plain HTTP on port 80: nothing leaves this host")]
    OnlyHttp,
}

type Calling = Pin<Box<dyn Future<Output = Result<Response<Body>, InternalError>> + Send>>;

/// The apps of this host, as one app may call them.
pub trait Apps: Send + Sync {
    /// Asks one of them. Dropping the future gives the request up, so that it has no more time than its caller.
    fn call(&self, call: Call) -> Calling;
}

/// Where they are found, once they are known. Clones share it.
#[derive(Clone, Default)]
pub struct Internal(Arc<OnceLock<Arc<dyn Apps>>>);

impl Internal {
    /// Says who answers. The first one counts.
    pub fn set(&self, apps: Arc<dyn Apps>) {
        let _ = self.0.set(apps);
    }

    /// Asks one of them, in a task of its own among `tasks`: what the called guest computes is not its caller's, and no
    /// guest runs within another.
    pub(crate) async fn call(&self, call: Call, tasks: &TaskTracker) -> Result<Response<Body>, InternalError> {
        if call.caller.depth >= DEPTH_MAX {
            return Err(InternalError::TooDeep);
        }
        let apps = self.0.get().ok_or(InternalError::NoSuchApp)?;
        let calling = AbortOnDropHandle::new(tasks.spawn(apps.call(call)));
        calling.await.unwrap_or(Err(InternalError::Failed))
    }
}

impl fmt::Debug for Internal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Internal").field(&self.0.get().is_some()).finish()
    }
}

/// The app that `target` names, if it names one of this host: `users.api.guesthouse.internal` is `api/users`.
pub(crate) fn app_of(target: &Target) -> Option<String> {
    match &target.host {
        Host::Domain(name) => app_called(name),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// The same of a name. Nobody looks such a name up.
pub(crate) fn app_called(name: &str) -> Option<String> {
    let labels: Vec<&str> = name.strip_suffix(BELOW)?.rsplit('.').collect();
    Some(labels.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_have_names_below_one() {
        for (name, expected) in [
            ("shop.guesthouse.internal", Some("shop")),
            ("users.api.guesthouse.internal", Some("api/users")),
            ("guesthouse.internal", None),
            ("shop.guesthouse.internal.example", None),
            ("shopguesthouse.internal", None),
        ] {
            assert_eq!(app_called(name).as_deref(), expected, "{name}");
        }
    }
}

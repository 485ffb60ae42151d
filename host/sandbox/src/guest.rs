//! A guest that is ready to be called: compiled, linked, and given its limits and grants.

use http::Response;

use crate::fault::Fault;
use crate::limits::Limits;
use crate::request::GuestRequest;
use crate::response::GuestBody;

/// What makes one app's guest different from another's.
#[derive(Clone, Debug)]
pub struct GuestSettings {
    /// The app's name, for the log.
    pub app: String,
    /// The revision in short, for the log.
    pub revision: String,
    /// What one request may use.
    pub limits: Limits,
    /// The environment variables that the operator gives the app.
    pub environment: Vec<(String, String)>,
    /// The most lines of output that are logged in a second; the rest is counted.
    pub log_lines_per_second_max: u32,
}

/// A guest, one step before an instance. Every call makes an instance of its own and drops it.
pub struct Guest {}

impl Guest {
    /// Makes an instance and drops it again; asks a gateway guest that exports `lifecycle` for its health.
    /// A new revision that fails here is not published.
    pub async fn probe(&self) -> Result<(), Fault> {
        todo!()
    }

    /// Calls the guest with one request, in an instance of its own.
    ///
    /// Dropping the future, or the response's body, ends the guest. Cancelling is safe at any point.
    pub async fn call(&self, _request: GuestRequest) -> Result<Response<GuestBody>, Fault> {
        todo!()
    }
}

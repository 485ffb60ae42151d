//! The hook for pages of a host on which apps are worked on: `dev` implements it, and a host that only serves has none.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use guesthouse_app::app::AppBody;
use guesthouse_app::app::Broken;
use guesthouse_app::routes::RouteTable;
use guesthouse_types::name::AppName;
use http::HeaderMap;
use http::StatusCode;
use http::uri::Authority;
use http_body::Body;

use crate::pages::Page;

/// Pages that are shown instead of the host's own, and what is put over an app's.
pub trait DevPages: fmt::Debug + Send + Sync {
    /// A page for `path` at `authority`, where `table` has no app, instead of 404.
    fn instead_of_404(&self, table: &RouteTable, authority: &Authority, path: &str) -> Option<DevPage>;

    /// A page for the app `name`, which is known and does not serve, instead of 503.
    fn instead_of_503(&self, name: &AppName) -> Option<DevPage>;

    /// A response of the app `name`, with something put over it if it is a page. What it has in `headers` is made to fit.
    fn overlay(&self, name: &AppName, headers: &mut HeaderMap, body: AppBody) -> Overlay;
}

/// A page that is shown instead of one of the host's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevPage {
    /// Its status.
    pub status: StatusCode,
    /// What stands on it.
    pub page: Page,
    /// The app that it is about, which the log names.
    pub app: Option<AppName>,
    /// Whether a browser looks again by itself.
    pub is_refreshed: bool,
}

/// A body of an app, as an overlay leaves it.
pub enum Overlay {
    /// It is sent as it is.
    None(AppBody),
    /// Something was added to it.
    Over {
        /// The body with what was added.
        body: OverlaidBody,
        /// The length of what was added, in bytes.
        added: u64,
    },
}

/// A body of an app with something added.
pub type OverlaidBody = Pin<Box<dyn Body<Data = Bytes, Error = Broken> + Send>>;

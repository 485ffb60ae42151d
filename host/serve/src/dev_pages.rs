//! The hook for pages of a host on which apps are worked on: `dev` implements it, and a host that only serves has none.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use guesthouse_app::app::AppBody;
use guesthouse_app::app::Broken;
use guesthouse_app::routes::RouteTable;
use guesthouse_types::name::AppName;
use http::HeaderMap;
use http::Response;
use http::StatusCode;
use http::request::Parts;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http_body::Body;
use tokio_util::sync::CancellationToken;

use crate::pages::Page;

/// Pages that are shown instead of the host's own, and what is put over an app's.
pub trait DevPages: fmt::Debug + Send + Sync {
    /// What has to be known of a request before anybody answers it.
    fn begin(&self, head: &Parts) -> DevRequest;

    /// What `dev` answers itself, on every host that it knows, whichever app is there. Its body ends with `stop`.
    fn own(&self, asked: &PathAndQuery, stop: &CancellationToken) -> Option<Response<OverlaidBody>>;

    /// A page for `path` at `authority`, where `table` has no app, instead of 404.
    fn instead_of_404(&self, table: &RouteTable, authority: &Authority, path: &str) -> Option<DevPage>;

    /// A page for the app `name`, which is known and does not serve, instead of 503.
    fn instead_of_503(&self, name: &AppName) -> Option<DevPage>;

    /// A response of the app `name`, with something put over it if it is a page. What it has in `headers` is made to fit.
    fn overlay(&self, request: &DevRequest, to: OverlayTarget<'_>, headers: &mut HeaderMap, body: AppBody) -> Overlay;

    /// What is put at the end of a page of the host's own, which is about the app `name` if it is about one. What it has in
    /// `headers` is made to fit.
    fn end_of_page(&self, request: &DevRequest, name: Option<&str>, headers: &mut HeaderMap) -> String;
}

/// What `dev` knows of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevRequest {
    /// When it came, in the count of changes: whatever changes later is not on its page.
    pub since: u64,
    /// Whether a browser shows what is answered, in a window or a frame. What a script fetches is none of our pages.
    pub is_navigation: bool,
    /// Whether the page can be asked for once more without doing anything twice.
    pub is_repeatable: bool,
}

/// Whose response it is.
#[derive(Clone, Copy, Debug)]
pub struct OverlayTarget<'a> {
    /// The app.
    pub app: &'a AppName,
    /// The request's id.
    pub id: &'a Arc<str>,
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
    /// Something else is sent, of which the fields are those that were made to fit.
    Instead(OverlaidBody),
}

/// A body of an app with something added.
pub type OverlaidBody = Pin<Box<dyn Body<Data = Bytes, Error = Broken> + Send>>;

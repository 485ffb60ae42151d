//! What is known of every app, for people and for tests.

use std::collections::BTreeMap;

use guesthouse_types::name::Revision;
use serde::Serialize;

use crate::reason::Blame;
use crate::reason::ReasonCode;

/// What is known of every app. The same as in `status.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether everything that was in the folder at start has been decided on.
    pub ready: bool,
    /// What needs an operator's eye: the folder is gone, events do not work, the disk is full …
    pub alarms: Vec<String>,
    /// Lines of the log that were dropped since the host began, because nobody read it.
    pub log_lines_dropped: u64,
    /// Every app that is in the folder or serves; what can be no app for its name stands under its path.
    pub apps: BTreeMap<String, AppStatus>,
}

/// What is known of one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppStatus {
    /// Where its newest content is in its life.
    pub state: AppState,
    /// Why it is there, when that is not plain (pending, refused, conflict).
    pub why: Option<String>,
    /// What is in the way, for scripts.
    pub code: Option<ReasonCode>,
    /// Whose turn it is to act.
    pub blame: Option<Blame>,
    /// The revision that serves, if one does.
    pub live: Option<Revision>,
    /// The revision kept ready behind it.
    pub standby: Option<Revision>,
    /// The URLs' hosts and prefixes that lead to it, most telling first, as in `shop.localhost/` and `/shop/`.
    pub routes: Vec<String>,
}

/// The life of an app's newest content (design, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AppState {
    /// Written to a moment ago.
    Settling,
    /// Not complete yet: waits for the rest.
    Pending,
    /// Being read, compiled and tried.
    Loading,
    /// Serves.
    Live,
    /// Will not be served; what served before goes on.
    Refused,
    /// Wants a route that another app holds.
    Conflict,
}

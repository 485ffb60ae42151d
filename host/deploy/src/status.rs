//! What is known of every app, for people and for tests.

use std::collections::BTreeMap;
use std::fmt;

use guesthouse_types::name::Revision;
use serde::Serialize;

use crate::reason::Blame;
use crate::reason::Reason;
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
    /// The revision that serves, if one does. It may be an older one than the newest.
    pub serving: Option<Revision>,
    /// What became of its newest content.
    pub newest: Newest,
    /// The revision kept ready behind the one that serves.
    pub standby: Option<Revision>,
    /// The URLs' hosts and prefixes that lead to it, most telling first, as in `shop.localhost/` and `/shop/`.
    pub routes: Vec<String>,
}

/// What became of the newest content of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Newest {
    /// Where it is in its life.
    pub state: AppState,
    /// Why it is there, when that is not plain (pending, refused, conflict).
    pub why: Option<String>,
    /// What is in the way, for scripts.
    pub code: Option<ReasonCode>,
    /// Whose turn it is to act.
    pub blame: Option<Blame>,
}

impl Status {
    /// How many apps are how, as in `3 live, 1 refused`.
    pub fn counts(&self) -> String {
        let mut counts: BTreeMap<AppState, usize> = BTreeMap::new();
        for app in self.apps.values() {
            *counts.entry(app.newest.state).or_default() += 1;
        }
        if counts.is_empty() {
            return "no apps".to_owned();
        }
        counts.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
    }
}

impl Newest {
    /// In `state`, for this reason.
    pub fn new(state: AppState, why: Option<Reason>) -> Newest {
        let (code, blame) = (why.as_ref().map(|why| why.code), why.as_ref().map(Reason::blame));
        Newest { state, why: why.map(|why| why.text), code, blame }
    }
}

/// The life of an app's newest content (design, section 4), what serves first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AppState {
    /// Serves.
    Live,
    /// Being read, compiled and tried.
    Loading,
    /// Written to a moment ago.
    Settling,
    /// Not complete yet: waits for the rest.
    Pending,
    /// Will not be served; what served before goes on.
    Refused,
    /// Wants a route that another app holds.
    Conflict,
}

impl fmt::Display for AppState {
    /// As in `2 refused` and `it is refused`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            AppState::Live => "live",
            AppState::Loading => "loading",
            AppState::Settling => "settling",
            AppState::Pending => "pending",
            AppState::Refused => "refused",
            AppState::Conflict => "in conflict",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serves_is_counted_first() {
        let app =
            |state| AppStatus { serving: None, newest: Newest::new(state, None), standby: None, routes: Vec::new() };
        let states = [AppState::Refused, AppState::Live, AppState::Conflict, AppState::Live];
        let apps = states.into_iter().enumerate().map(|(number, state)| (number.to_string(), app(state)));
        let status = Status { apps: apps.collect(), ..Status::default() };
        assert_eq!(status.counts(), "2 live, 1 refused, 1 in conflict");
        assert_eq!(Status::default().counts(), "no apps");
    }
}

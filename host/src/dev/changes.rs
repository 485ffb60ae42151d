//! What has changed since a page was made: counted here, and waited for by pages that load themselves again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use guesthouse_deploy::status::AppState;
use guesthouse_deploy::status::AppStatus;
use guesthouse_deploy::status::Newest;
use guesthouse_deploy::status::Status;
use guesthouse_types::name::Revision;
use tokio::sync::watch;

/// Changes of all apps, in the order in which they came. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Changes(watch::Sender<Counted>);

#[derive(Debug)]
struct Counted {
    /// What the count began with.
    first: u64,
    newest: u64,
    /// App → its last change.
    apps: BTreeMap<String, u64>,
}

/// What pages show of an app: the revision that serves, and why the newest one does not.
type Shown = (Option<Revision>, Option<(AppState, Option<String>)>);

impl Default for Changes {
    /// Begins with the time, so that pages of an earlier `dev` are older than everything here.
    fn default() -> Changes {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let first = u64::try_from(since.as_micros()).unwrap_or_default();
        Changes(watch::Sender::new(Counted { first, newest: first, apps: BTreeMap::new() }))
    }
}

impl Changes {
    /// Whatever is asked of `app` from now on may be another thing.
    pub fn note(&self, app: &str) {
        self.0.send_modify(|counted| {
            counted.newest += 1;
            counted.apps.insert(app.to_owned(), counted.newest);
        });
    }

    /// The newest change.
    pub fn newest(&self) -> u64 {
        self.0.borrow().newest
    }

    /// Returns when `app`, or any if none is named, has changed after the change `since`. Dropping the future loses nothing.
    pub async fn after(&self, app: Option<&str>, since: u64) {
        let mut changes = self.0.subscribe();
        // The sender is here.
        let _ = changes.wait_for(|counted| counted.is_after(app, since)).await;
    }

    /// Notes what becomes of the apps in the folder.
    pub async fn follow(&self, mut status: watch::Receiver<Arc<Status>>) -> Infallible {
        let mut before = shown(&status.borrow_and_update());
        while status.changed().await.is_ok() {
            let now = shown(&status.borrow_and_update());
            let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
            names.filter(|name| before.get(*name) != now.get(*name)).for_each(|name| self.note(name));
            before = now;
        }
        std::future::pending().await
    }
}

impl Counted {
    fn is_after(&self, app: Option<&str>, since: u64) -> bool {
        let last = match app {
            Some(app) => self.apps.get(app).copied(),
            None => Some(self.newest),
        };
        since < self.first || last.is_some_and(|last| last > since)
    }
}

fn shown(status: &Status) -> BTreeMap<String, Shown> {
    status.apps.iter().map(|(name, app)| (name.clone(), shown_of(app))).collect()
}

fn shown_of(app: &AppStatus) -> Shown {
    // What serves goes on serving while something newer is looked at.
    let Newest { state, why, .. } = &app.newest;
    let is_news = app.serving.is_none() || matches!(state, AppState::Refused | AppState::Conflict);
    (app.serving, is_news.then(|| (*state, why.clone())))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn is_after(changes: &Changes, app: Option<&str>, since: u64) -> bool {
        changes.after(app, since).now_or_never().is_some()
    }

    #[test]
    fn a_page_waits_for_changes_of_its_own_app() {
        let changes = Changes::default();
        let begun = changes.newest();
        assert!(!is_after(&changes, Some("shop"), begun) && !is_after(&changes, None, begun));
        changes.note("shop");
        assert!(is_after(&changes, Some("shop"), begun) && is_after(&changes, None, begun));
        assert!(!is_after(&changes, Some("other"), begun), "another app's page stays");
        assert!(!is_after(&changes, Some("shop"), changes.newest()), "this page has it already");
        assert!(is_after(&changes, Some("other"), begun - 1), "a page of an earlier `dev`");
    }

    #[tokio::test]
    async fn what_the_folder_makes_of_an_app_is_a_change() {
        let app = |state, why: Option<&str>| AppStatus {
            serving: None,
            newest: Newest { state, why: why.map(str::to_owned), code: None, blame: None },
            standby: None,
            routes: Vec::new(),
        };
        let (sender, status) = watch::channel(Arc::new(Status::default()));
        let changes = Changes::default();
        let tell = |state, why| {
            let apps = BTreeMap::from([("shop".to_owned(), app(state, why))]);
            sender.send_replace(Arc::new(Status { apps, ..Status::default() }));
        };
        let mut following = std::pin::pin!(changes.follow(status));
        assert!(following.as_mut().now_or_never().is_none(), "it begins with what is there");
        let mut told = |state, why| {
            let before = changes.newest();
            tell(state, why);
            assert!(following.as_mut().now_or_never().is_none());
            changes.newest() - before
        };
        assert_eq!(told(AppState::Loading, None), 1);
        assert_eq!(told(AppState::Loading, None), 0);
        assert_eq!(told(AppState::Refused, Some("why")), 1);
        assert_eq!(told(AppState::Refused, Some("why not")), 1);
    }
}

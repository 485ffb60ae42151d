//! How the builds stand of the apps that are worked on here: the builds write it down, and pages show it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use guesthouse_types::name::AppName;
use tokio::time::Instant;

use crate::dev::failure::Failure;

/// What lies in the folder is looked at within this time.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// One app's build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Build {
    /// It is the first, and not done yet; or it is, and the folder was not looked at since.
    Running,
    /// The newest source is not what serves, and why.
    Failed(Arc<Failure>),
}

/// The builds that are news to whoever looks at a page. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Builds(Arc<ArcSwap<BTreeMap<AppName, State>>>);

#[derive(Clone, Debug)]
enum State {
    Running,
    Failed(Arc<Failure>),
    /// The first one has ended well.
    Placed(Instant),
}

impl Builds {
    /// A build begins. What an earlier one failed for is true until this one has ended.
    pub fn begin(&self, app: &AppName) {
        self.change(|builds| {
            builds.entry(app.clone()).or_insert(State::Running);
        });
    }

    /// It has ended: well, or why it failed.
    pub fn end(&self, app: &AppName, failure: Option<Failure>) {
        let failure = failure.map(Arc::new);
        self.change(|builds| match (&failure, builds.remove(app)) {
            (Some(why), _) => _ = builds.insert(app.clone(), State::Failed(why.clone())),
            (None, Some(_)) => _ = builds.insert(app.clone(), State::Placed(Instant::now())),
            (None, None) => {}
        });
    }

    /// How the build of `app` stands, if it is news.
    pub fn of(&self, app: &AppName) -> Option<Build> {
        self.0.load().get(app).and_then(State::told)
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<AppName, Build> {
        self.0.load().iter().filter_map(|(app, state)| Some((app.clone(), state.told()?))).collect()
    }

    fn change(&self, change: impl Fn(&mut BTreeMap<AppName, State>)) {
        self.0.rcu(|builds| {
            let mut builds = BTreeMap::clone(builds);
            change(&mut builds);
            builds
        });
    }
}

impl State {
    fn told(&self) -> Option<Build> {
        match self {
            State::Running => Some(Build::Running),
            State::Failed(why) => Some(Build::Failed(why.clone())),
            State::Placed(when) => (when.elapsed() < SEEN_WITHIN).then_some(Build::Running),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::editor::Editor;
    use crate::dev::failure::Places;
    use crate::dev::failure::Stage;

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_news_until_a_build_ends_well() {
        let (builds, app) = (Builds::default(), AppName::parse("shop").unwrap());
        builds.begin(&app);
        assert_eq!(builds.of(&app), Some(Build::Running));
        let places = Places { editor: Editor::Off, ..Places::default() };
        let failure = Failure::of(Stage::Build, "a comma", &places);
        builds.end(&app, Some(failure.clone()));
        builds.begin(&app);
        assert_eq!(builds.of(&app), Some(Build::Failed(failure.into())));
        builds.clone().end(&app, None);
        assert_eq!(builds.of(&app), Some(Build::Running), "the folder is looked at now");
        tokio::time::advance(SEEN_WITHIN).await;
        assert_eq!(builds.of(&app), None);
        assert!(builds.all().is_empty());
    }
}

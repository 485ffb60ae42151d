//! How the builds stand of apps that are worked on here: `dev` writes it down, and pages show it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::name::AppName;

/// One app's build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Build {
    /// It is the first, and not done yet.
    Running,
    /// The last one failed: what its tools say.
    Failed(Arc<str>),
}

/// The builds that are news to whoever looks at a page. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Builds(Arc<ArcSwap<BTreeMap<AppName, Build>>>);

impl Builds {
    /// A build begins. What an earlier one failed for is true until this one has ended.
    pub fn begin(&self, app: &AppName) {
        self.change(|builds| {
            builds.entry(app.clone()).or_insert(Build::Running);
        });
    }

    /// It has ended: well, or why it failed.
    pub fn end(&self, app: &AppName, failure: Option<&str>) {
        self.change(|builds| {
            match failure {
                Some(why) => builds.insert(app.clone(), Build::Failed(why.into())),
                None => builds.remove(app),
            };
        });
    }

    /// How the build of `app` stands, if it is news.
    pub fn of(&self, app: &AppName) -> Option<Build> {
        self.0.load().get(app).cloned()
    }

    /// All of them.
    pub fn all(&self) -> Arc<BTreeMap<AppName, Build>> {
        self.0.load_full()
    }

    fn change(&self, change: impl Fn(&mut BTreeMap<AppName, Build>)) {
        self.0.rcu(|builds| {
            let mut builds = BTreeMap::clone(builds);
            change(&mut builds);
            builds
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_news_until_a_build_ends_well() {
        let (builds, app) = (Builds::default(), AppName::parse("shop").unwrap());
        builds.begin(&app);
        assert_eq!(builds.of(&app), Some(Build::Running));
        builds.end(&app, Some("a comma"));
        builds.begin(&app);
        assert_eq!(builds.of(&app), Some(Build::Failed("a comma".into())));
        builds.clone().end(&app, None);
        assert_eq!(builds.of(&app), None);
        assert!(builds.all().is_empty());
    }
}

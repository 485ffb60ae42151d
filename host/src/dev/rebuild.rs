//! The builds of `dev`: all at first, and again whatever is edited.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use guesthouse_app::routes::RouteReader;
use guesthouse_app::routes::Target;
use guesthouse_builders::Project;
use guesthouse_builders::live::LiveApp;
use guesthouse_builders::live::Reads;
use guesthouse_builders::mode::BuildMode;
use guesthouse_builders::output::install::Built;
use guesthouse_deploy::status::Status;
use guesthouse_types::name::AppName;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use crate::dev::builds::Builds;
use crate::dev::live::Live;
use crate::dev::memory::Memory;
use crate::dev::say::say;
use crate::dev::watch::SourceWatch;

/// Where builds go.
pub struct Kept {
    /// The apps folder.
    pub apps: PathBuf,
    /// What is made of sources to be mounted.
    pub live: PathBuf,
    /// What was built.
    pub memory: Memory,
    /// Where that is written down.
    pub list: PathBuf,
    /// What pages show of it.
    pub builds: Builds,
}

/// What is served meanwhile.
pub struct Served {
    /// Which revisions.
    pub status: Receiver<Arc<Status>>,
    /// The apps themselves.
    pub routes: RouteReader,
}

impl Served {
    /// Has the app's next request answered by an instance that imports the source as it is now. False if it does not serve.
    fn forget_instances(&self, name: &AppName) -> bool {
        let table = self.routes.snapshot();
        let live = table.entries().iter().find_map(|entry| match &entry.target {
            Target::Live(app) if entry.name == *name => Some(app),
            _ => None,
        });
        live.inspect(|app| app.forget_instances()).is_some()
    }
}

/// Builds everything.
pub async fn build_all(projects: &[Project], to: &mut Kept, served: &Served) {
    // Whoever asks for one that waits is told so.
    for app in projects.iter().flat_map(Project::apps) {
        to.builds.begin(app);
    }
    for project in projects {
        // What an earlier `dev` made is served until then.
        for name in &build_one(project, to).await.renewed {
            served.forget_instances(name);
        }
    }
}

/// Builds `project`, and gives what lies in the folder then. What does not build is said, and what served before goes on
/// serving.
async fn build_one(project: &Project, to: &mut Kept) -> Built {
    for app in project.apps() {
        to.builds.begin(app);
    }
    let built = project.build(&to.apps, BuildMode::Live(&to.live)).await;
    for app in project.apps() {
        let failed =
            built.as_ref().map_or_else(|error| Some(format!("{error:#}")), |built| built.failed.get(app).cloned());
        to.builds.end(app, failed.as_deref());
    }
    let built = match built {
        Ok(built) => built,
        Err(error) => {
            say(&format!("error: {error:#}"));
            return Built::default();
        }
    };
    if let Err(error) = to.memory.add(&built.apps, &to.list) {
        say(&format!("error: {error:#}"));
    }
    built
}

/// One build at a time. What is edited while it is built is built once more, and where that is cheaper the running build is
/// dropped for it.
pub async fn rebuild(projects: &[Project], to: &mut Kept, watch: &mut SourceWatch, served: Served) -> Infallible {
    let mut open: BTreeMap<usize, Instant> = BTreeMap::new();
    let mut live = Live::new(served.status.clone());
    loop {
        let Some((at, edited)) = open.pop_first() else {
            tokio::select! {
                edits = watch.changed() => open.extend(edits),
                never = live.tell() => match never {},
            }
            continue;
        };
        if !projects[at].is_edited() {
            continue;
        }
        let before = live.contents();
        let mut building = pin!(build_one(&projects[at], to));
        let built = loop {
            tokio::select! {
                built = &mut building => break Some(built),
                edits = watch.changed() => {
                    let again = edits.contains_key(&at) && projects[at].is_begun_anew() && projects[at].is_edited();
                    open.extend(edits);
                    if again {
                        say("the source was edited meanwhile: built anew");
                        break None;
                    }
                }
                never = live.tell() => match never {},
            }
        };
        let Some(built) = built else { continue };
        live.expect(&built.apps, &before, edited);
        if let Some(LiveApp { name, reads, .. }) = projects[at].live()
            && (reads == Reads::Source || built.renewed.contains(name))
            && built.apps.get(name).is_some_and(|digest| before.get(name.as_str()) == Some(digest))
            && served.forget_instances(name)
        {
            live.tell_now(name, edited).await;
        }
    }
}

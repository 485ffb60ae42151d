//! The builds of `dev`: all at first, and again whatever is edited.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use guesthouse_app::app::App;
use guesthouse_app::routes::RouteReader;
use guesthouse_app::routes::Target;
use guesthouse_builders::Project;
use guesthouse_builders::live::LiveApp;
use guesthouse_builders::live::Reads;
use guesthouse_builders::mode::BuildMode;
use guesthouse_builders::output::install::Built;
use guesthouse_deploy::status::Status;
use guesthouse_sandbox::fault::Fault;
use guesthouse_types::name::AppName;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use crate::dev::builds::Builds;
use crate::dev::changes::Changes;
use crate::dev::failure::Failure;
use crate::dev::failure::Places;
use crate::dev::failure::Stage;
use crate::dev::live::Contents;
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
    /// What they wait for.
    pub changes: Changes,
    /// Where the source of each app lies.
    pub places: BTreeMap<AppName, Places>,
}

impl Kept {
    /// What failed of the source of `app`, or that nothing did, is what pages show.
    fn end(&self, app: &AppName, stage: Stage, said: Option<&str>) {
        let places = self.places.get(app).cloned().unwrap_or_default();
        self.builds.end(app, said.map(|said| Failure::of(stage, said, &places)));
        // What is built well is news when it serves.
        if said.is_some() {
            self.changes.note(app.as_str());
        }
    }
}

/// What is served meanwhile.
pub struct Served {
    /// Which revisions.
    pub status: Receiver<Arc<Status>>,
    /// The apps themselves.
    pub routes: RouteReader,
}

impl Served {
    fn app(&self, name: &AppName) -> Option<Arc<App>> {
        let table = self.routes.snapshot();
        table.entries().iter().find_map(|entry| match &entry.target {
            Target::Live(app) if entry.name == *name => Some(app.clone()),
            _ => None,
        })
    }

    /// Tries the source of `project` as it is now, where it is mounted and nothing was `built` that is to serve in place of
    /// what serves; if it can be imported, the next request is answered by an instance that does. Dropping the future gives
    /// the try up.
    async fn try_edit<'p>(&self, project: &'p Project, built: &Built, before: &Contents) -> Option<Tried<'p>> {
        let LiveApp { name, reads, .. } = project.live()?;
        let digest = built.apps.get(name)?;
        let is_news = reads == Reads::Source || built.renewed.contains(name);
        let app = self.app(name).filter(|_| is_news && before.get(name.as_str()) == Some(digest))?;
        let outcome = match reads {
            Reads::Source => app.try_as_it_is().await,
            // The build has tried what it made.
            Reads::Made => Ok(()),
        };
        if outcome.is_ok() {
            app.forget_instances();
        }
        Some(Tried { name, outcome })
    }
}

/// What came of an edit of a source that is mounted.
struct Tried<'project> {
    name: &'project AppName,
    outcome: Result<(), Fault>,
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
            if let Some(app) = served.app(name) {
                app.forget_instances();
                to.changes.note(name.as_str());
            }
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
        to.end(app, Stage::Build, failed.as_deref());
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
        let mut building = pin!(build_and_try(&projects[at], to, &served, &before));
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
        let Some((built, tried)) = built else { continue };
        live.expect(&built.apps, &before, edited);
        match tried {
            Some(Tried { name, outcome: Ok(()) }) => live.tell_now(name, edited).await,
            Some(Tried { name, outcome: Err(fault) }) => live.tell_failed(name, &said(&fault)).await,
            None => {}
        }
    }
}

/// Builds `project`, tries what was edited in it, and has pages show what came of it.
async fn build_and_try<'p>(
    project: &'p Project,
    to: &mut Kept,
    served: &Served,
    before: &Contents,
) -> (Built, Option<Tried<'p>>) {
    let built = build_one(project, to).await;
    let tried = served.try_edit(project, &built, before).await;
    if let Some(Tried { name, outcome: Err(fault) }) = &tried {
        to.end(name, Stage::Import, Some(&said(fault)));
    }
    // What serves is the newest, and no note about an older source stands over it any more.
    let as_before = built.apps.iter().filter(|(name, digest)| before.get(name.as_str()) == Some(digest));
    as_before.for_each(|(name, _)| to.changes.note(name.as_str()));
    (built, tried)
}

/// What an app that cannot be imported says, or what ended it.
fn said(fault: &Fault) -> String {
    match fault {
        Fault::Guest(said) => said.clone(),
        _ => fault.to_string(),
    }
}

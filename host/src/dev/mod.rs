//! `guesthouse dev`: build, serve, and build again what is edited. A folder and a state of its own, for one person.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs::DirBuilder;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use crate::attend::announce::print;
use crate::attend::announce::told;
use crate::attend::attend;
use crate::build;
use crate::build::Project;
use crate::build::place::Built;
use crate::config::Config;
use crate::deploy::status::Status;
use crate::dev::live::Live;
use crate::dev::memory::Memory;
use crate::dev::watch::SourceWatch;
use crate::host::Host;
use crate::name::AppName;
use crate::shutdown::StopSignals;

mod live;
mod memory;
mod watch;

/// Where `dev` keeps what it makes, under the current folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its apps folder.
    pub apps: PathBuf,
    /// Its state directory.
    pub state: PathBuf,
    /// The list of what it built itself.
    pub built: PathBuf,
}

impl Folder {
    /// `./.guesthouse/dev/`
    pub fn here() -> anyhow::Result<Folder> {
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        Ok(Folder::under(&here))
    }

    fn under(here: &Path) -> Folder {
        let own = here.join(".guesthouse/dev");
        Folder { apps: own.join("apps"), state: own.join("state"), built: own.join("built.json") }
    }

    /// Makes the folders that are not there yet, for the owner alone.
    fn create(&self) -> anyhow::Result<()> {
        for path in [&self.apps, &self.state] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        }
        // An author's repository shall not see what is made here.
        if let Some(own) = self.built.parent() {
            let _ = std::fs::write(own.join(".gitignore"), "*\n");
        }
        Ok(())
    }
}

/// Builds what lies at `sources`, serves it, and builds it again whenever it is edited.
pub async fn run(sources: &[PathBuf], folder: Folder, config: Config) -> anyhow::Result<ExitCode> {
    let mut stop_signals = StopSignals::listen()?;
    let projects = build::find(sources).await?;
    folder.create()?;
    // Before the build, which may take minutes: a taken port is known at once.
    let host = Host::bind(config)?;
    let mut memory = Memory::read(&folder.built);
    let wanted: BTreeSet<&AppName> = projects.iter().flat_map(Project::apps).collect();
    for name in memory.remove_others(&folder.apps, &wanted) {
        say(&format!("removed {name}: it was built by an earlier `dev`, and its source is not given now"));
    }
    // Before the build as well, so that no edit is lost while it runs.
    let mut watch = SourceWatch::begin(&projects).context("cannot watch the sources")?;
    tokio::select! {
        () = build_all(&projects, &folder, &mut memory) => {}
        signal = stop_signals.next() => return Ok(ExitCode::from(signal.exit_code())),
    }
    greet(&host, &folder).await;
    let status = host.deploy().status();
    tokio::select! {
        code = attend(host, None, &mut stop_signals) => Ok(code),
        never = rebuild(&projects, &folder, &mut memory, &mut watch, status) => match never {},
    }
}

async fn greet(host: &Host, folder: &Folder) {
    let addresses: Vec<String> = host.endpoints().iter().map(told).collect();
    print(format!(
        "\n  listening on {}\n  apps folder  {}\n  edit the source to rebuild, drop a .wasm into the folder to add it, Ctrl-C to stop\n",
        addresses.join(" and "),
        folder.apps.display()
    ))
    .await;
}

async fn build_all(projects: &[Project], folder: &Folder, memory: &mut Memory) {
    for project in projects {
        build_one(project, folder, memory).await;
    }
}

/// Builds `project`, and gives what lies in the folder then. What does not build is said, and what served before goes on
/// serving.
async fn build_one(project: &Project, folder: &Folder, memory: &mut Memory) -> Built {
    let built = match project.build(&folder.apps).await {
        Ok(built) => built,
        Err(error) => {
            say(&format!("error: {error:#}"));
            return Built::default();
        }
    };
    if let Err(error) = memory.add(&built.apps, &folder.built) {
        say(&format!("error: {error:#}"));
    }
    built
}

/// One build at a time. What is edited while it is built is built once more, and where that is cheaper the running build is
/// dropped for it.
async fn rebuild(
    projects: &[Project],
    folder: &Folder,
    memory: &mut Memory,
    watch: &mut SourceWatch,
    status: Receiver<Arc<Status>>,
) -> Infallible {
    let mut open: BTreeMap<usize, Instant> = BTreeMap::new();
    let mut live = Live::new(status);
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
        let mut building = pin!(build_one(&projects[at], folder, memory));
        let built = loop {
            tokio::select! {
                built = &mut building => break Some(built),
                edits = watch.changed() => {
                    let again = edits.contains_key(&at) && projects[at].is_begun_anew();
                    open.extend(edits);
                    if again {
                        say("the source was edited meanwhile: built anew");
                        break None;
                    }
                }
                never = live.tell() => match never {},
            }
        };
        if let Some(built) = built {
            live.expect(&built.apps, &before, edited);
        }
    }
}

/// Prints one line to stderr, beside those of the build; nobody may be reading any more.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_folders_are_the_owners_alone() {
        let here = tempfile::tempdir().unwrap();
        let folder = Folder::under(here.path());
        folder.create().unwrap();
        folder.create().unwrap();
        for path in [&folder.apps, &folder.state, &here.path().join(".guesthouse")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
        }
    }
}

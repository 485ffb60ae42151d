//! `guesthouse dev`: build, serve, and build again what is edited. A folder and a state of its own, for one person.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use guesthouse_builders::Project;
use guesthouse_builders::cache::tools::Cache;
use guesthouse_builders::progress::print_with;
use guesthouse_types::name::AppName;

use crate::cli::editor::Editor;
use crate::cli::flags::DevFlags;
use crate::config::Config;
use crate::dev::builds::Builds;
use crate::dev::changes::Changes;
use crate::dev::failure::Places;
use crate::dev::memory::Memory;
use crate::dev::pages::Pages;
use crate::dev::rebuild::Kept;
use crate::dev::rebuild::Served;
use crate::dev::rebuild::build_all;
use crate::dev::rebuild::rebuild;
use crate::dev::say::say;
use crate::dev::watch::SourceWatch;
use crate::foreground::announce::told;
use crate::foreground::attend;
use crate::host::Host;
use crate::shutdown::StopSignals;
use crate::telemetry;

mod builds;
mod changes;
mod failure;
mod live;
mod memory;
mod mock;
mod outside;
pub mod pages;
mod rebuild;
mod say;
mod variables;
mod watch;

/// Where `dev` keeps what it makes, under the current folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its apps folder.
    pub apps: PathBuf,
    /// Its state directory.
    pub state: PathBuf,
    /// What is made of sources to be mounted.
    pub live: PathBuf,
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
        Folder {
            apps: own.join("apps"),
            state: own.join("state"),
            live: own.join("live"),
            built: own.join("built.json"),
        }
    }

    /// Makes the folders that are not there yet, for the owner alone.
    fn create(&self) -> anyhow::Result<()> {
        for path in [&self.apps, &self.state, &self.live] {
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

/// Builds what the flags name, serves it, and builds it again whenever it is edited.
pub async fn run(flags: &DevFlags, folder: Folder, mut config: Config) -> anyhow::Result<ExitCode> {
    print_with(telemetry::print);
    let mut stop_signals = StopSignals::listen()?;
    let projects = guesthouse_builders::find(&flags.sources, flags.app.as_deref()).await?;
    folder.create()?;
    let live = projects.iter().filter_map(Project::live);
    let (builds, changes) = (Builds::default(), Changes::default());
    let places = places(&projects, &flags.editor.clone().unwrap_or_default());
    let pages = Pages::new(builds.clone(), changes.clone(), places.clone(), !flags.no_reload);
    config.serve.dev_pages = Some(Arc::new(pages));
    config.deploy.variables = variables::of(&projects);
    config.deploy.sources = live.map(|app| (app.name.clone(), app.mounted(&folder.live))).collect();
    let outbound = &mut config.sandbox.capabilities.outbound;
    outbound.mock = flags.mock.as_deref().map(mock::read).transpose()?;
    let called = outbound.wanted.clone();
    // A project's first host finds what was compiled for another's.
    config.deploy.functions = Cache::of_process().ok().map(|cache| cache.functions());
    // Before the build, which may take minutes: a taken port is known at once.
    let host = Host::bind(config)?;
    let memory = Memory::read(&folder.built);
    let (apps, live, list) = (folder.apps.clone(), folder.live.clone(), folder.built.clone());
    let mut kept = Kept { apps, live, memory, list, builds, changes: changes.clone(), places };
    let wanted: BTreeSet<&AppName> = projects.iter().flat_map(Project::apps).collect();
    for name in kept.memory.remove_others(&folder.apps, &wanted) {
        say(&format!("removed {name}: it was built by an earlier `dev`, and its source is not given now"));
    }
    // Before the build as well, so that no edit is lost while it runs.
    let mut watch = SourceWatch::begin(&projects).context("cannot watch the sources")?;
    let greeting = greeting(&host, &folder);
    let status = host.deploy().status();
    let served = Served { status: status.clone(), routes: host.routes() };
    // What is built first is served while the rest is built, and what an earlier `dev` built is served at once.
    let building = async {
        build_all(&projects, &mut kept, &served).await;
        rebuild(&projects, &mut kept, &mut watch, served).await
    };
    let code = tokio::select! {
        code = attend(host, greeting, None, &mut stop_signals) => code,
        never = building => match never {},
        never = changes.follow(status) => match never {},
    };
    for (app, places) in called.all() {
        say(&match &flags.write {
            Some(apps) => outside::write(&app, &places, apps)?,
            None => outside::told(&app, &places),
        });
    }
    Ok(code)
}

/// Where the sources of all apps lie, and what opens them.
fn places(projects: &[Project], editor: &Editor) -> BTreeMap<AppName, Places> {
    let of = |project: &Project| {
        let folders = project.watched().iter().map(|watched| watched.folder.clone()).collect();
        Places { root: project.root().to_owned(), folders, editor: editor.clone() }
    };
    projects.iter().flat_map(|project| project.apps().into_iter().map(move |app| (app.clone(), of(project)))).collect()
}

fn greeting(host: &Host, folder: &Folder) -> String {
    let addresses: Vec<String> = host.endpoints().iter().map(told).collect();
    format!(
        "\n  listening on {}\n  apps folder  {}\n  edit the source to rebuild, drop a .wasm into the folder to add it, Ctrl-C to stop\n",
        addresses.join(" and "),
        folder.apps.display()
    )
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
        for path in [&folder.apps, &folder.state, &folder.live, &here.path().join(".guesthouse")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
        }
    }
}

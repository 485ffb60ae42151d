//! From source to components in an apps folder: `guesthouse build`, and the first half of `guesthouse dev`. And, in `new`,
//! projects to begin with.
//!
//! find (which projects?) → build (the language's own tools) → place (check, and put into the folder)
//!
//! A language is one file or folder beside these (`rust.rs`, `python/`, `javascript/`) and one arm in [`Project`]; a source
//! may also say by itself how it is built.
//! Progress goes to stderr, between that of the tools.

pub mod progress;

pub mod mode;

pub mod cache;
pub mod config;
pub mod output;
pub mod source;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::AppName;

use crate::command::OwnCommand;
use crate::javascript::JavaScript;
use crate::mode::BuildMode;
use crate::output::install::Built;
use crate::output::portable;
use crate::python::PythonApp;
use crate::rust::Workspace;
use crate::source::find;
use crate::source::find::Kind;
use crate::source::watched::Watched;

mod command;
mod diagnostics;
pub mod found;
mod javascript;
pub mod new;
mod own_crate;
pub mod python;
mod run;
mod rust;
mod toolchain;

/// What is built with one call of a tool.
#[derive(Debug)]
pub enum Project {
    /// A Cargo workspace, or a package on its own.
    Rust(Workspace),
    /// An app in JavaScript or TypeScript.
    JavaScript(Box<JavaScript>),
    /// One app with a command of its own.
    Command(Box<OwnCommand>),
    /// One app in Python.
    Python(PythonApp),
}

impl Project {
    /// The apps that come out of it.
    pub fn apps(&self) -> Vec<&AppName> {
        match self {
            Project::Rust(workspace) => workspace.apps().collect(),
            Project::JavaScript(app) => vec![app.name()],
            Project::Command(own) => vec![own.name()],
            Project::Python(app) => vec![app.name()],
        }
    }

    /// Where its source lies.
    pub fn watched(&self) -> &[Watched] {
        match self {
            Project::Rust(workspace) => workspace.watched(),
            Project::JavaScript(app) => app.watched(),
            Project::Command(own) => own.watched(),
            Project::Python(app) => app.watched(),
        }
    }

    /// Whether something changed there that makes a build worth while.
    pub fn is_edited(&self) -> bool {
        match self {
            Project::Rust(_) | Project::JavaScript(_) => true,
            Project::Command(own) => own.is_edited(),
            Project::Python(app) => app.is_edited(),
        }
    }

    /// Whether a build that runs is of no use any more when the source is edited: it is dropped then, and begun anew. What
    /// cargo has compiled by then it does not compile again, but what it has begun would be lost.
    pub fn is_begun_anew(&self) -> bool {
        match self {
            Project::Rust(_) | Project::Command(_) => false,
            Project::JavaScript(_) | Project::Python(_) => true,
        }
    }

    /// An app whose source can be mounted over what was built of it, and that source.
    pub fn live(&self) -> Option<(&AppName, &Path)> {
        match self {
            Project::Rust(_) | Project::Command(_) | Project::JavaScript(_) => None,
            Project::Python(app) => Some((app.name(), app.folder())),
        }
    }

    /// Names of variables that its app reads.
    pub fn variables(&self) -> Vec<String> {
        match self {
            Project::Rust(_) | Project::Command(_) | Project::JavaScript(_) => Vec::new(),
            Project::Python(app) => app.variables(),
        }
    }

    /// Builds its apps into the folder `apps`. That some of them do not build is said on stderr and in the result, and is no
    /// error. Dropping the future kills the tool.
    pub async fn build(&self, apps: &Path, purpose: BuildMode) -> anyhow::Result<Built> {
        match self {
            Project::Rust(workspace) => workspace.build(apps).await,
            Project::JavaScript(app) => Ok(app.build(apps).await),
            Project::Command(own) => Ok(own.build(apps).await),
            Project::Python(app) => Ok(app.build(apps, purpose).await),
        }
    }
}

/// Finds what there is to build at `paths`. `app` is where the one there begins, if the command line says so.
pub async fn find(paths: &[PathBuf], app: Option<&str>) -> anyhow::Result<Vec<Project>> {
    let (mut workspaces, mut projects) = (Vec::new(), Vec::new());
    for source in find::discover(paths, app)? {
        match &source.kind {
            Kind::Rust => rust::find(&source, &mut workspaces).await?,
            Kind::Python => projects.push(Project::Python(PythonApp::of(&source)?)),
            Kind::JavaScript => projects.push(Project::JavaScript(Box::new(JavaScript::of(&source)?))),
            Kind::Command => projects.extend(OwnCommand::of(&source)?.map(Box::new).map(Project::Command)),
        }
    }
    workspaces.retain(|workspace| workspace.apps().next().is_some());
    projects.splice(0..0, workspaces.into_iter().map(Project::Rust));
    if projects.is_empty() {
        bail!(
            "{} holds no app: an app in Rust is a crate whose Cargo.toml says `[lib]` `crate-type = [\"cdylib\"]` (crates \
             named bad-* count only when they are named themselves)",
            find::list(paths)
        );
    }
    check_names(&projects)?;
    Ok(projects)
}

/// Builds all `projects` into the folder `apps`.
pub async fn build(projects: &[Project], apps: &Path) -> anyhow::Result<Built> {
    let mut all = Built::default();
    for project in projects {
        all.add(project.build(apps, BuildMode::Serve).await?);
    }
    Ok(all)
}

/// The same, but each as any host of `wasi:http` can serve it.
pub async fn build_portable(projects: &[Project], apps: &Path) -> anyhow::Result<Built> {
    let plain = tempfile::tempdir().context("cannot make a temporary folder")?;
    let built = build(projects, plain.path()).await?;
    portable::convert(&built, plain.path(), apps).await
}

fn check_names(projects: &[Project]) -> anyhow::Result<()> {
    let mut owners: BTreeMap<&AppName, usize> = BTreeMap::new();
    for (at, project) in projects.iter().enumerate() {
        for app in project.apps() {
            if owners.insert(app, at).is_some() {
                bail!("two sources make an app named `{app}`: rename one, or build them apart");
            }
        }
    }
    Ok(())
}

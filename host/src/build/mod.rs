//! From source to components in an apps folder: `guesthouse build`, and the first half of `guesthouse dev`.
//!
//! find (which projects?) → build (the language's own tools) → place (check, and put into the folder)
//!
//! A language is one file beside `rust.rs` and one arm in [`Project`]. Progress goes to stderr, between that of the tools.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use anyhow::bail;

use crate::build::place::Built;
use crate::build::rust::Workspace;
use crate::build::source::Kind;
use crate::build::watched::Watched;
use crate::name::AppName;

pub mod place;
mod rust;
mod say;
pub mod source;
mod toolchain;
pub mod watched;

/// What is built with one call of a tool.
#[derive(Debug)]
pub enum Project {
    /// A Cargo workspace, or a package on its own.
    Rust(Workspace),
}

impl Project {
    /// The apps that come out of it.
    pub fn apps(&self) -> impl Iterator<Item = &AppName> {
        match self {
            Project::Rust(workspace) => workspace.apps(),
        }
    }

    /// Where its source lies.
    pub fn watched(&self) -> &[Watched] {
        match self {
            Project::Rust(workspace) => workspace.watched(),
        }
    }

    /// Builds its apps into the folder `apps`. That some of them do not build is said on stderr and in the result, and is no
    /// error. Dropping the future kills the tool.
    pub async fn build(&self, apps: &Path) -> anyhow::Result<Built> {
        match self {
            Project::Rust(workspace) => workspace.build(apps).await,
        }
    }
}

/// Finds what there is to build at `paths`.
pub async fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<Project>> {
    let mut workspaces = Vec::new();
    for source in source::discover(paths)? {
        match source.kind {
            Kind::Rust => rust::find(&source, &mut workspaces).await?,
        }
    }
    workspaces.retain(|workspace| workspace.apps().next().is_some());
    let projects: Vec<Project> = workspaces.into_iter().map(Project::Rust).collect();
    if projects.is_empty() {
        bail!(
            "{} holds no app: a Rust app is a crate whose Cargo.toml says `[lib]` `crate-type = [\"cdylib\"]` (crates \
             named bad-* count only when they are named themselves)",
            source::list(paths)
        );
    }
    check_names(&projects)?;
    Ok(projects)
}

/// Builds all `projects` into the folder `apps`.
pub async fn build(projects: &[Project], apps: &Path) -> anyhow::Result<Built> {
    let mut all = Built::default();
    for project in projects {
        all.add(project.build(apps).await?);
    }
    Ok(all)
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

//! Apps in Rust: which there are, by `cargo metadata`, and their building, by one `cargo build` for a whole workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::AppName;
use serde::Deserialize;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::BufReader;
use tokio::time::Instant;

use crate::config::embedded::EmbeddedConfig;
use crate::config::settings::Build;
use crate::config::settings::FILE;
use crate::config::settings::Settings;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::Errors;
use crate::output::embed::label;
use crate::output::install::Built;
use crate::output::install::place;
use crate::progress::apps as apps_counted;
use crate::progress::is_quiet;
use crate::progress::say;
use crate::progress::seconds;
use crate::source::find::Source;
use crate::source::watched::Watched;
use crate::toolchain::TARGET;
use crate::toolchain::ensure_target;
use crate::toolchain::explain_missing;
use crate::toolchain::tool;

/// A Cargo workspace, or a package on its own, and the apps in it that were asked for.
#[derive(Debug)]
pub struct Workspace {
    metadata: Metadata,
    shown: Vec<String>,
    apps: Vec<(AppName, String)>,
    watched: Vec<Watched>,
}

/// What we need of `cargo metadata --no-deps`.
#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Clone, Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Dependency {
    /// Only a dependency that lies on this machine has one.
    path: Option<PathBuf>,
}

/// What we need of a line of `cargo build --message-format json`.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        package_id: String,
        target: Target,
        filenames: Vec<PathBuf>,
    },
    #[serde(rename = "compiler-message")]
    Diagnostic {
        package_id: String,
        message: Diagnostic,
    },
    #[serde(other)]
    Other,
}

impl Message {
    fn read(line: &str) -> Message {
        serde_json::from_str(line).unwrap_or(Message::Other)
    }
}

/// Finds the apps in `source`, and adds them to the one of `workspaces` that they belong to.
pub async fn find(source: &Source, workspaces: &mut Vec<Workspace>) -> anyhow::Result<()> {
    if let Some(workspace) = workspaces.iter_mut().find(|workspace| workspace.metadata.has_package_at(&source.folder)) {
        return workspace.add(source);
    }
    let metadata = metadata(source).await?;
    let known = workspaces.iter_mut().find(|workspace| workspace.metadata.workspace_root == metadata.workspace_root);
    if let Some(workspace) = known {
        return workspace.add(source);
    }
    let mut workspace = Workspace { metadata, shown: Vec::new(), apps: Vec::new(), watched: Vec::new() };
    workspace.add(source)?;
    workspaces.push(workspace);
    Ok(())
}

async fn metadata(source: &Source) -> anyhow::Result<Metadata> {
    let mut cargo = tool("cargo", &source.folder);
    let asked = cargo.args(["metadata", "--no-deps", "--format-version", "1"]).output().await;
    let asked = asked.map_err(|error| explain_missing("cargo", error))?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr);
        bail!("`{}` cannot be read as a Rust project: {}", source.shown, said.trim().trim_start_matches("error: "));
    }
    serde_json::from_slice(&asked.stdout).context("`cargo metadata` printed something unexpected")
}

impl Metadata {
    fn has_package_at(&self, folder: &Path) -> bool {
        self.packages.iter().any(|package| package.folder() == folder)
    }

    /// Which packages are meant by naming `source`: the one there, those below, or all when it is the workspace itself.
    fn wanted(&self, source: &Source) -> impl Iterator<Item = &Package> {
        let whole = source.folder == self.workspace_root;
        self.packages.iter().filter(move |package| {
            let folder = package.folder();
            let named = source.named && folder == source.folder;
            let lies_there = whole || folder.starts_with(&source.folder);
            lies_there && package.is_app() && (named || !package.name.starts_with("bad-"))
        })
    }

    /// Where the source of `apps` lies: their packages, and what these use on this machine.
    fn watched(&self, apps: &[(AppName, String)]) -> Vec<Watched> {
        let mut folders: BTreeSet<&Path> = BTreeSet::new();
        let with_id = |id: &String| self.packages.iter().find(|package| package.id == *id);
        let mut open: Vec<&Path> = apps.iter().filter_map(|(_, id)| with_id(id)).map(Package::folder).collect();
        while let Some(folder) = open.pop() {
            if folders.insert(folder)
                && let Some(package) = self.packages.iter().find(|package| package.folder() == folder)
            {
                open.extend(package.dependencies.iter().filter_map(|dependency| dependency.path.as_deref()));
            }
        }
        // Cargo.toml, Cargo.lock and rust-toolchain.toml of the workspace.
        let root =
            Watched { folder: self.workspace_root.clone(), deep: folders.contains(self.workspace_root.as_path()) };
        let others = folders.into_iter().filter(|folder| *folder != root.folder);
        let others = others.map(|folder| Watched { folder: folder.to_owned(), deep: true });
        others.chain([root.clone()]).collect()
    }
}

/// What the author of the crate in `folder` wishes.
fn settings(folder: &Path) -> anyhow::Result<Settings> {
    let settings = Settings::read(folder, folder)?;
    if settings.build != Build::default() {
        bail!(
            "`{}`: a Rust crate is built by cargo, as its Cargo.toml says: [build] is for `command` alone, and then only \
             when this folder is named itself",
            folder.join(FILE).display()
        );
    }
    Ok(settings)
}

impl Package {
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("/"))
    }

    fn is_app(&self) -> bool {
        self.targets.iter().any(Target::is_component)
    }
}

impl Target {
    fn is_component(&self) -> bool {
        self.kind.iter().any(|kind| kind == "cdylib")
    }
}

impl Workspace {
    fn add(&mut self, source: &Source) -> anyhow::Result<()> {
        for package in self.metadata.wanted(source) {
            let name = settings(package.folder())?.name;
            let name = name.unwrap_or_else(|| package.name.replace('_', "-").to_ascii_lowercase());
            let name = AppName::parse(&name);
            let name = name.with_context(|| format!("the package in `{}`", package.folder().display()))?;
            if self.apps.iter().all(|(_, id)| *id != package.id) {
                self.apps.push((name, package.id.clone()));
            }
        }
        self.watched = self.metadata.watched(&self.apps);
        self.shown.push(source.shown.clone());
        Ok(())
    }

    /// Where its apps come from, for a sentence.
    fn origin(&self) -> String {
        match self.shown.as_slice() {
            [one] => one.clone(),
            [one, other] => format!("{one} and {other}"),
            _ => self.metadata.workspace_root.display().to_string(),
        }
    }

    /// The apps that come out of it.
    pub fn apps(&self) -> impl Iterator<Item = &AppName> {
        self.apps.iter().map(|(name, _)| name)
    }

    /// Where its source lies.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// One `cargo build` for all of them; each goes into the folder `into` as soon as it is built.
    pub async fn build(&self, into: &Path) -> anyhow::Result<Built> {
        let root = &self.metadata.workspace_root;
        ensure_target(root).await?;
        say(format_args!("building {} from {} (Rust)…", apps_counted(self.apps.len()), self.origin()));
        let begun = Instant::now();
        let mut cargo = tool("cargo", root);
        cargo.args(["build", "--release", "--target", TARGET, "--keep-going"]);
        // Components are announced on stdout as they come, and so are diagnostics; progress goes to stderr, which is ours.
        cargo.args(["--message-format", "json-diagnostic-rendered-ansi"]).stdout(Stdio::piped());
        if is_quiet() {
            cargo.arg("--quiet");
        }
        for (_, id) in &self.apps {
            cargo.args(["--package", id]);
        }
        let mut child = cargo.spawn().map_err(|error| explain_missing("cargo", error))?;
        let (mut built, mut unchanged, mut made) = (Built::default(), Vec::new(), BTreeSet::new());
        let mut errors = Errors::default();
        let stdout = child.stdout.take().context("cargo has no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.context("reading what cargo prints")? {
            let message = Message::read(&line);
            if let Message::Diagnostic { package_id, message } = message {
                errors.pass(package_id, &message);
            } else if let Some((name, file)) = self.component(message) {
                match self.labelled(name, &file).and_then(|bytes| place(name, &bytes, into)) {
                    Ok(placed) => {
                        match placed.changed {
                            true => {
                                say(format_args!("built {name} ({}) in {}", placed.about, seconds(begun.elapsed())))
                            }
                            false => unchanged.push(name.as_str()),
                        }
                        made.insert(name.clone());
                        if placed.is_app {
                            built.apps.insert(name.clone(), placed.digest);
                        }
                    }
                    Err(error) => {
                        say(format_args!("error: `{name}` was built, but {error:#}"));
                        built.failed.insert(name.clone(), format!("it was built, but {error:#}"));
                    }
                }
            }
        }
        let ended = child.wait().await.context("waiting for cargo")?;
        if !unchanged.is_empty() {
            say(format_args!("unchanged: {}", unchanged.join(", ")));
        }
        let missing: Vec<&AppName> = self.apps().filter(|name| !made.contains(*name)).collect();
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
            say(format_args!("error: not built: {}", names.join(", ")));
        } else if !ended.success() {
            say(format_args!("warning: cargo ended with {ended}, although every app was built"));
        }
        for name in missing {
            let said = self.package(name).and_then(|package| errors.about(&package.id));
            let why =
                || said.unwrap_or_else(|| "cargo could not build it; what it said stands in the terminal".to_owned());
            built.failed.entry(name.clone()).or_insert_with(why);
        }
        Ok(built)
    }

    /// The component at `file`, with what the crate's `guesthouse.toml` asks for.
    fn labelled(&self, name: &AppName, file: &Path) -> anyhow::Result<Vec<u8>> {
        let bytes = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let settings = self.package(name).map(|package| settings(package.folder())).transpose()?.unwrap_or_default();
        // One that asks for nothing stays what cargo made.
        if settings.asks.is_empty() { Ok(bytes) } else { label(bytes, &EmbeddedConfig::default(), &settings.asks) }
    }

    fn package(&self, app: &AppName) -> Option<&Package> {
        let (_, id) = self.apps.iter().find(|(name, _)| name == app)?;
        self.metadata.packages.iter().find(|package| package.id == *id)
    }

    /// The app, and the file that it was built as, if that is what `message` announces.
    fn component(&self, message: Message) -> Option<(&AppName, PathBuf)> {
        let Message::CompilerArtifact { package_id, target, filenames } = message else { return None };
        let (name, _) = self.apps.iter().find(|(_, id)| *id == package_id && target.is_component())?;
        let is_wasm = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
        Some((name, filenames.into_iter().find(is_wasm)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::find::Kind;

    fn package(name: &str, kind: &str, uses: &[&str]) -> Package {
        Package {
            id: format!("path+file:///w/{name}#0.1.0"),
            name: name.to_owned(),
            manifest_path: format!("/w/{name}/Cargo.toml").into(),
            targets: vec![Target { kind: vec![kind.to_owned()] }],
            dependencies: uses.iter().map(|path| Dependency { path: Some(path.into()) }).collect(),
        }
    }

    fn workspace() -> Workspace {
        let packages = vec![
            package("hello_there", "cdylib", &["/w/support", "/sdk"]),
            package("echo", "cdylib", &[]),
            package("bad-loop", "cdylib", &[]),
            package("support", "lib", &["/elsewhere"]),
        ];
        let metadata = Metadata { workspace_root: "/w".into(), packages };
        Workspace { metadata, shown: Vec::new(), apps: Vec::new(), watched: Vec::new() }
    }

    fn source(folder: &str, named: bool) -> Source {
        let (folder, settings) = (folder.into(), Settings::default());
        Source { kind: Kind::Rust, folder, shown: String::new(), named, settings, app: None }
    }

    fn check(folder: &str, named: bool, expected: &[&str]) {
        let source = Source { shown: folder.to_owned(), ..source(folder, named) };
        let mut workspace = workspace();
        workspace.add(&source).unwrap();
        workspace.add(&source).unwrap();
        assert_eq!(workspace.apps().map(AppName::as_str).collect::<Vec<_>>(), expected, "{folder}");
    }

    #[test]
    fn what_lies_under_the_named_folder_is_wanted() {
        check("/w", true, &["hello-there", "echo"]);
        check("/w/echo", true, &["echo"]);
        check("/w/support", true, &[]);
    }

    #[test]
    fn bad_apps_are_built_only_when_named_themselves() {
        check("/w/bad-loop", true, &["bad-loop"]);
        check("/w/bad-loop", false, &[]);
    }

    #[test]
    fn what_an_app_uses_is_watched_too() {
        let mut workspace = workspace();
        workspace.add(&source("/w/hello_there", true)).unwrap();
        let watched: Vec<(&str, bool)> =
            workspace.watched().iter().map(|watched| (watched.folder.to_str().unwrap(), watched.deep)).collect();
        let expected =
            [("/elsewhere", true), ("/sdk", true), ("/w/hello_there", true), ("/w/support", true), ("/w", false)];
        assert_eq!(watched, expected);
    }

    #[test]
    fn components_are_told_from_other_lines_of_cargo() {
        let mut workspace = workspace();
        workspace.add(&source("/w", true)).unwrap();
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/echo#0.1.0","target":{"kind":["cdylib"],
            "name":"echo"},"filenames":["/t/echo.wasm"],"fresh":true}"#;
        let found = workspace.component(Message::read(line)).map(|(name, file)| (name.to_string(), file));
        assert_eq!(found, Some(("echo".to_owned(), "/t/echo.wasm".into())));
        for other in ["", "not json", r#"{"reason":"build-finished","success":true}"#, &line.replace("echo#", "other#")]
        {
            assert!(workspace.component(Message::read(other)).is_none(), "{other}");
        }
    }
}

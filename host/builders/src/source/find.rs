//! What lies at a path that was named as source: told from the files there, before any tool is asked.

use std::path::Path;
use std::path::PathBuf;

use anyhow::bail;

use crate::config::settings::FILE;
use crate::config::settings::Settings;
use crate::source::javascript::manifest::FILE as PACKAGE;
use crate::source::javascript::manifest::Manifest;
use crate::source::javascript::members::Members;
use crate::source::javascript::project::root_of;
use crate::source::python::entry;
use crate::source::python::layout;
use crate::source::watched::is_source;

/// How deep below a named folder a source may lie.
const DEPTH_MAX: usize = 3;

/// How a source is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As its author says in `guesthouse.toml`.
    Command,
    /// A `Cargo.toml`: a package or a workspace.
    Rust,
    /// A callable in Python.
    Python,
    /// A `package.json`, or an entry that is named and ends like JavaScript or TypeScript.
    JavaScript,
}

/// A folder that a tool can build.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// With which tool.
    pub kind: Kind,
    /// Its real path.
    pub folder: PathBuf,
    /// How it is called when it is spoken of.
    pub shown: String,
    /// Whether it was named itself, rather than found below what was named.
    pub named: bool,
    /// Its `guesthouse.toml`.
    pub settings: Settings,
    /// What the command line says instead of `app` in the file.
    pub app: Option<String>,
}

/// The sources at `paths`: each is one, or a folder with some in it. `app` is where the one begins, if the command line
/// says so.
pub fn discover(paths: &[PathBuf], app: Option<&str>) -> anyhow::Result<Vec<Source>> {
    if let (Some(app), [_, _, ..]) = (app, paths) {
        bail!("`--app {app}` is about one source, and {} are named: build them apart", paths.len());
    }
    let mut sources: Vec<Source> = Vec::new();
    for path in paths {
        for source in at(path, app)? {
            match sources.iter_mut().find(|known| known.folder == source.folder) {
                Some(known) => known.named |= source.named,
                None => sources.push(source),
            }
        }
    }
    Ok(sources)
}

/// The paths as they were typed, for a sentence.
pub fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    shown.join(", ")
}

fn at(path: &Path, app: Option<&str>) -> anyhow::Result<Vec<Source>> {
    let Ok(real) = path.canonicalize() else { bail!("there is no `{}`", path.display()) };
    if real.extension().is_some_and(|extension| extension == "wasm") && real.is_file() {
        bail!("`{}` is built already: copy it into the apps folder", path.display());
    }
    // Somebody named the file that makes a folder a source.
    let name = real.file_name().unwrap_or_default();
    if (name == "Cargo.toml" || name == PACKAGE || name == FILE)
        && let (Some(folder), Some(shown)) = (real.parent(), path.parent())
    {
        return Ok(source(folder, shown, true, app)?.into_iter().collect());
    }
    if !real.is_dir() {
        bail!("`{}` is not a folder with source in it", path.display());
    }
    if let Some(app) = app {
        let source = source(&real, path, true, Some(app))?;
        let Some(source) = source else { bail!("`--app {app}` is not of the form \"module:callable\"") };
        return Ok(vec![source]);
    }
    let mut found = Vec::new();
    look(&real, path, 0, false, &mut found)?;
    leave_libraries(&mut found);
    if found.is_empty() {
        if let Some(nothing) = entry::nothing(&real, path) {
            bail!("{nothing}");
        }
        bail!(
            "`{}` holds nothing that can be built: there is no Cargo.toml, no package.json and no app in Python in it or in \
             the folders below. Where the app begins elsewhere, say it: `--app module:callable`, or `--app src/index.js`",
            path.display()
        );
    }
    Ok(found)
}

fn look(
    folder: &Path,
    shown: &Path,
    depth: usize,
    mut in_workspace: bool,
    found: &mut Vec<Source>,
) -> anyhow::Result<()> {
    if let Some(source) = source(folder, shown, depth == 0, None)? {
        let is_rust = source.kind == Kind::Rust;
        // What a workspace above has for members, cargo itself knows.
        if !(is_rust && in_workspace) {
            found.push(source);
        }
        // Beside its members, a workspace may hold apps in other languages.
        if !(is_rust && is_workspace_alone(folder)) {
            return Ok(());
        }
        in_workspace = true;
    }
    // A project in Python is none of those below it: samples, a front end.
    if depth == 0
        && found.is_empty()
        && layout::has_project(folder)
        && let Some(nothing) = entry::nothing(folder, shown)
    {
        bail!("{nothing}");
    }
    if depth == DEPTH_MAX {
        return Ok(());
    }
    let mut names: Vec<_> = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names.iter().filter(|name| is_source(&name.to_string_lossy())) {
        // A link is not followed: it may lead round in a circle.
        let below = folder.join(name);
        if below.is_dir() && !below.is_symlink() {
            look(&below, &shown.join(name), depth + 1, in_workspace, found)?;
        }
    }
    Ok(())
}

/// The source in `folder` itself, if there is one.
fn source(folder: &Path, shown: &Path, named: bool, app: Option<&str>) -> anyhow::Result<Option<Source>> {
    let shown = if shown.as_os_str().is_empty() { Path::new(".") } else { shown };
    let settings = Settings::read(folder, shown)?.with_app(app);
    let Some(kind) = kind(folder, &settings)? else { return Ok(None) };
    let (folder, shown, app) = (folder.to_owned(), shown.display().to_string(), app.map(str::to_owned));
    Ok(Some(Source { kind, folder, shown, named, settings, app }))
}

fn kind(folder: &Path, settings: &Settings) -> anyhow::Result<Option<Kind>> {
    if settings.build.command.is_some() {
        return Ok(Some(Kind::Command));
    }
    if folder.join("Cargo.toml").is_file() {
        return Ok(Some(Kind::Rust));
    }
    if settings.build.app.as_deref().is_some_and(is_script) {
        return Ok(Some(Kind::JavaScript));
    }
    // Before JavaScript: many an app in Python has a package.json for its styles.
    if entry::find(folder, &settings.build)?.is_some() {
        return Ok(Some(Kind::Python));
    }
    // A project in Python may have a package.json that only names tools.
    let is_tooling = layout::has_project(folder) && Manifest::read(folder).is_ok_and(|manifest| !manifest.has_entry());
    Ok((is_package(folder) && !is_tooling).then_some(Kind::JavaScript))
}

/// Whether what was named as the app is a file in JavaScript or TypeScript.
fn is_script(app: &str) -> bool {
    let ending = Path::new(app).extension().unwrap_or_default().to_string_lossy();
    ["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts"].contains(&&*ending)
}

/// Whether the Cargo.toml there is a workspace's and no package's.
fn is_workspace_alone(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let tables = text.parse::<toml::Table>().unwrap_or_default();
    tables.contains_key("workspace") && !tables.contains_key("package")
}

/// Whether it is a package in JavaScript. The root of several packages is none itself.
fn is_package(folder: &Path) -> bool {
    // What cannot be read is told when it is built, and keeps nothing beside it from being built.
    folder.join(PACKAGE).is_file() && Members::of(folder).is_none()
}

/// Takes out the packages in JavaScript that others among them use: members of one workspace that are no apps.
fn leave_libraries(found: &mut Vec<Source>) {
    let is_member = |source: &Source| source.kind == Kind::JavaScript && root_of(&source.folder).is_some();
    let manifest = |source: &Source| Manifest::read(&source.folder).unwrap_or_default();
    let members: Vec<Manifest> = found.iter().filter(|source| is_member(source)).map(manifest).collect();
    let is_used =
        |name: &str| members.iter().any(|user| user.name() != Some(name) && user.names().any(|used| used == name));
    found.retain(|source| source.named || !is_member(source) || !manifest(source).name().is_some_and(is_used));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, if file.ends_with("package.json") { "{}" } else { "" }).unwrap();
        }
        root
    }

    fn check(root: &tempfile::TempDir, named: &[&str], expected: Result<&[(&str, bool)], &str>) {
        let paths: Vec<PathBuf> = named.iter().map(|name| root.path().join(name)).collect();
        let real = root.path().canonicalize().unwrap();
        let found = discover(&paths, None).map_err(|error| error.to_string());
        let found = found.map(|sources| {
            let below = |source: Source| (source.folder.strip_prefix(&real).unwrap().to_owned(), source.named);
            sources.into_iter().map(below).collect::<Vec<_>>()
        });
        let expected = expected.map(|sources| sources.iter().map(|(path, named)| (path.into(), *named)).collect());
        assert_eq!(found, expected.map_err(|error| error.replace("ROOT", &root.path().display().to_string())));
    }

    #[test]
    fn a_crate_and_a_workspace_are_sources_themselves() {
        let root = tree(&["hello/Cargo.toml", "apps/Cargo.toml", "apps/rust/one/Cargo.toml"]);
        check(&root, &["hello", "apps"], Ok(&[("hello", true), ("apps", true)]));
        check(&root, &["hello/Cargo.toml"], Ok(&[("hello", true)]));
    }

    #[test]
    fn a_workspace_may_hold_apps_in_other_languages() {
        let root = tree(&["apps/rust/one/Cargo.toml", "apps/js/two/package.json", "apps/rust/one/web/package.json"]);
        fs::write(root.path().join("apps/Cargo.toml"), "[workspace]\nmembers = [\"rust/*\"]\n").unwrap();
        fs::create_dir_all(root.path().join("apps/py/three")).unwrap();
        fs::write(root.path().join("apps/py/three/app.py"), "def app(environ, start_response): ...\n").unwrap();
        check(&root, &["apps"], Ok(&[("apps", true), ("apps/js/two", false), ("apps/py/three", false)]));
    }

    #[test]
    fn a_package_is_a_source_and_the_root_of_several_is_none() {
        let root = tree(&["shop/package.json", "many/one/package.json", "many/node_modules/x/package.json"]);
        fs::write(root.path().join("many/package.json"), r#"{"workspaces": ["one"]}"#).unwrap();
        check(&root, &["shop", "many"], Ok(&[("shop", true), ("many/one", false)]));
        check(&root, &["shop/package.json"], Ok(&[("shop", true)]));
    }

    #[test]
    fn a_package_that_others_use_is_no_app() {
        let root = tree(&["package.json", "pnpm-workspace.yaml", "apps/shop/package.json", "libs/money/package.json"]);
        fs::write(root.path().join("pnpm-workspace.yaml"), "packages:\n  - apps/*\n  - libs/*\n").unwrap();
        fs::write(root.path().join("apps/shop/package.json"), r#"{"dependencies":{"@shop/money":"workspace:*"}}"#)
            .unwrap();
        fs::write(root.path().join("libs/money/package.json"), r#"{"name":"@shop/money"}"#).unwrap();
        check(&root, &[""], Ok(&[("apps/shop", false)]));
        check(&root, &["libs/money"], Ok(&[("libs/money", true)]));
        // Two apps that know nothing of each other, and one that is called like what it uses.
        let root = tree(&["hono/package.json", "shop/package.json"]);
        fs::write(root.path().join("hono/package.json"), r#"{"name":"hono","dependencies":{"hono":"4"}}"#).unwrap();
        fs::write(root.path().join("shop/package.json"), r#"{"dependencies":{"hono":"4"}}"#).unwrap();
        check(&root, &[""], Ok(&[("hono", false), ("shop", false)]));
    }

    #[test]
    fn a_folder_may_hold_several() {
        let root = tree(&[
            "x/b/Cargo.toml",
            "x/deep/er/a/Cargo.toml",
            "x/much/too/deep/a/Cargo.toml",
            "x/.git/c/Cargo.toml",
            "x/target/package/Cargo.toml",
            "x/notes/readme.md",
        ]);
        check(&root, &["x"], Ok(&[("x/b", false), ("x/deep/er/a", false)]));
        check(&root, &["x", "x/b"], Ok(&[("x/b", true), ("x/deep/er/a", false)]));
    }

    #[test]
    fn what_is_no_source_is_explained() {
        let root = tree(&["notes/readme.md", "py/app.py", "hello.wasm", "file.rs"]);
        let nothing = "holds nothing that can be built: there is no Cargo.toml, no package.json and no app in Python in it or \
                       in the folders below. Where the app begins elsewhere, say it: `--app module:callable`, or `--app \
                       src/index.js`";
        check(&root, &["notes"], Err(&format!("`ROOT/notes` {nothing}")));
        check(
            &root,
            &["py"],
            Err(
                "`ROOT/py` is a project in Python, and nothing says where its app begins (app.py has no `app`, `application` or \
                 `create_app()` at the top level): `guesthouse build ROOT/py --app module:callable` says where it is",
            ),
        );
        check(&root, &["hello.wasm"], Err("`ROOT/hello.wasm` is built already: copy it into the apps folder"));
        check(&root, &["file.rs"], Err("`ROOT/file.rs` is not a folder with source in it"));
        check(&root, &["nowhere"], Err("there is no `ROOT/nowhere`"));
    }
}

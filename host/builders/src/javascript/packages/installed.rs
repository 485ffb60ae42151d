//! The folders in which the bundler looks for packages.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cache::fingerprint::Fingerprint;
use crate::cache::tools::Cache;
use crate::javascript::packages::manager::Manager;
use crate::progress::say;
use crate::source::javascript::manifest::Manifest;
use crate::source::javascript::manifest::Wanted;
use crate::source::javascript::project::Project;

/// Where all managers put packages.
const MODULES: &str = "node_modules";

/// What Yarn is told.
const YARN_SETTINGS: &str = ".yarnrc.yml";

/// Folders `node_modules` for the app in `folder`, unless it has one of its own or needs none. Nothing is written into
/// `folder`: what its lock names is installed in the cache.
pub async fn of(folder: &Path, shown: &str, wanted: Wanted, cache: &Cache) -> anyhow::Result<Vec<PathBuf>> {
    let needs_any = Manifest::read(folder)?.needs_any(wanted);
    if !needs_any || folder.ancestors().any(|folder| folder.join(MODULES).is_dir()) {
        return Ok(Vec::new());
    }
    let project = Project::around(folder);
    let locks: Vec<_> = project.locks().collect();
    let manager = Manager::of(&project.root, &Manifest::read(&project.root)?, &locks);
    let files = project.files();
    let mut stamp = Fingerprint::default();
    stamp.text("manager", &format!("{manager:?} {wanted:?}"));
    stamp.files("packages", &project.root, &files).with_context(|| format!("cannot read what is in `{shown}`"))?;
    let is_one_of_several = project.members.len() > 1;
    if is_one_of_several {
        // Members are linked, from there to where they are.
        stamp.text("root", &project.root.to_string_lossy());
    }
    let name = stamp.digest().short().to_string();
    let installed = cache.made("deps", &name, async |copy| {
        say(format_args!("installing the packages of {shown} ({}) into a folder of our own: once…", manager.shown()));
        for file in &files {
            let to = copy.join(file);
            let copied =
                fs::create_dir_all(to.parent().unwrap_or(copy)).and_then(|()| fs::copy(project.root.join(file), &to));
            copied.with_context(|| format!("cannot copy `{}`", file.display()))?;
            if file.as_os_str() == YARN_SETTINGS {
                let text = fs::read_to_string(&to).unwrap_or_default();
                fs::write(&to, without_plugins(&text)).with_context(|| format!("cannot write `{}`", file.display()))?;
            }
        }
        let instead =
            || format!("its packages cannot be installed apart from it: run `{}` in `{shown}`", manager.typed());
        manager.install(copy, wanted).await.with_context(instead)?;
        if is_one_of_several {
            for member in &project.members {
                link(&copy.join(member).join(MODULES), copy, &project.root).context("cannot link its members")?;
            }
        }
        // A package that is there without any package in it is asked for again otherwise.
        fs::create_dir_all(copy.join(MODULES)).context("cannot write")
    });
    let installed = installed.await?;
    // The app's own come first, then its root's, then those of what it may use of the others.
    let mut folders = vec![installed.join(&project.app), installed.clone()];
    folders.extend(project.members.iter().map(|member| installed.join(member)));
    let mut found: Vec<PathBuf> = Vec::new();
    for modules in folders.iter().map(|folder| folder.join(MODULES)) {
        if modules.is_dir() && !found.contains(&modules) {
            found.push(modules);
        }
    }
    Ok(found)
}

/// Plugins of Yarn's are programs of the project: a build runs none.
fn without_plugins(text: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        let is_key = line.starts_with(|c: char| !c.is_whitespace() && c != '-' && c != '#');
        if is_key {
            inside = line.trim_start_matches(['"', '\'']).starts_with("plugins");
        }
        !inside
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// Leads the links in `modules` that go to a member in `copy`, where only its package.json is, to the member in `root`.
fn link(modules: &Path, copy: &Path, root: &Path) -> std::io::Result<()> {
    let copy = copy.canonicalize()?;
    let Ok(entries) = modules.read_dir() else { return Ok(()) };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type()?.is_symlink() {
            let Ok(real) = path.canonicalize() else { continue };
            let Ok(member) = real.strip_prefix(&copy) else { continue };
            if !member.components().any(|part| part.as_os_str() == MODULES) {
                fs::remove_file(&path)?;
                std::os::unix::fs::symlink(root.join(member), &path)?;
            }
        } else if entry.file_name().to_string_lossy().starts_with('@') {
            link(&path, &copy, root)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(files: &[(&str, &str)], expected: Result<&[PathBuf], &str>) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("shop");
        for (path, content) in files {
            fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            fs::write(folder.join(path), content).unwrap();
        }
        let found = of(&folder, "shop", Wanted::Runtime, &Cache::at(home.path().join("tools"))).await;
        let shown = folder.display().to_string();
        let found = found.map_err(|error| error.to_string().replace(&shown, "shop"));
        assert_eq!(found, expected.map(<[PathBuf]>::to_vec).map_err(str::to_owned), "{files:?}");
    }

    #[tokio::test]
    async fn nobody_installs_what_is_there_or_not_needed() {
        let needs = ("package.json", r#"{"dependencies":{"hono":"4"}}"#);
        check(&[("index.js", "")], Ok(&[])).await;
        check(&[("package.json", r#"{"devDependencies":{"x":"1"}}"#)], Ok(&[])).await;
        check(&[needs, ("node_modules/hono/package.json", "{}")], Ok(&[])).await;
        check(&[("package.json", "{")], Err("`shop/package.json` cannot be read")).await;
    }

    #[test]
    fn no_plugin_is_left_in_the_settings() {
        let text =
            "nodeLinker: pnp\nplugins:\n  - path: ./x.cjs\n    spec: x\n- path: y\n\"plugins\": [z]\nenableX: true\n";
        assert_eq!(without_plugins(text), "nodeLinker: pnp\nenableX: true\n");
    }

    #[test]
    fn a_member_is_linked_where_it_is() {
        let home = tempfile::tempdir().unwrap();
        let (copy, root) = (home.path().join("copy"), home.path().join("root"));
        for folder in ["copy/node_modules/@shop", "copy/node_modules/x", "copy/libs/money", "root/libs/money"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        std::os::unix::fs::symlink("../../libs/money", copy.join("node_modules/@shop/money")).unwrap();
        std::os::unix::fs::symlink("x", copy.join("node_modules/y")).unwrap();
        link(&copy.join(MODULES), &copy, &root).unwrap();
        assert_eq!(fs::read_link(copy.join("node_modules/@shop/money")).unwrap(), root.join("libs/money"));
        assert_eq!(fs::read_link(copy.join("node_modules/y")).unwrap(), Path::new("x"));
    }
}

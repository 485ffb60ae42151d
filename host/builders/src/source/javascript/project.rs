//! Where the packages of an app are described: in its own folder, or in a root above it that has it for a member.

use std::path::Path;
use std::path::PathBuf;

use crate::source::javascript::manifest::FILE;
use crate::source::javascript::members;
use crate::source::javascript::members::Members;
use crate::source::watched::is_source;

/// How far above an app a root is looked for, and how far below a root members are.
const DEPTH_MAX: usize = 4;

/// What managers read besides the manifests and the locks.
const SETTINGS: [&str; 4] = [".npmrc", ".yarnrc", ".yarnrc.yml", members::PNPM];

/// Changes to packages, which managers apply.
const PATCHES: [&str; 2] = ["patches", ".yarn/patches"];

/// The lock files of all managers.
pub const LOCKS: [&str; 6] =
    ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];

/// A root, and the app in it.
#[derive(Debug)]
pub struct Project {
    /// The root's folder.
    pub root: PathBuf,
    /// The app's folder in it: empty if it is the root.
    pub app: PathBuf,
    /// Folders in it with a package.json, the root's own (empty) first.
    pub members: Vec<PathBuf>,
}

impl Project {
    /// The one that the app in `folder` belongs to.
    pub fn around(folder: &Path) -> Project {
        let root = root_of(folder).unwrap_or(folder);
        let mut members = vec![PathBuf::new()];
        if let Some(patterns) = Members::of(root) {
            look(root, Path::new(""), 0, &patterns, &mut members);
        }
        Project { root: root.to_owned(), app: folder.strip_prefix(root).unwrap_or(folder).to_owned(), members }
    }

    /// The lock files that its root has.
    pub fn locks(&self) -> impl Iterator<Item = &'static str> {
        LOCKS.into_iter().filter(|lock| self.root.join(lock).is_file())
    }

    /// All that a manager reads, as paths in the root.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.members.iter().map(|member| member.join(FILE)).collect();
        files.extend(LOCKS.iter().chain(&SETTINGS).map(PathBuf::from));
        for folder in PATCHES {
            let entries = self.root.join(folder).read_dir().into_iter().flatten().flatten();
            let mut patches: Vec<PathBuf> = entries.map(|entry| Path::new(folder).join(entry.file_name())).collect();
            patches.retain(|patch| patch.extension().is_some_and(|ending| ending == "patch" || ending == "diff"));
            patches.sort();
            files.append(&mut patches);
        }
        files.retain(|file| self.root.join(file).is_file());
        files
    }
}

/// The folder above `folder` that has it for a member.
pub fn root_of(folder: &Path) -> Option<&Path> {
    let is_root = |root: &&Path| {
        let below = folder.strip_prefix(root).unwrap_or(folder);
        Members::of(root).is_some_and(|members| members.has(below))
    };
    folder.ancestors().skip(1).take(DEPTH_MAX).find(is_root)
}

fn look(root: &Path, below: &Path, depth: usize, patterns: &Members, members: &mut Vec<PathBuf>) {
    if depth > 0 && patterns.has(below) && root.join(below).join(FILE).is_file() {
        members.push(below.to_owned());
    }
    if depth == DEPTH_MAX {
        return;
    }
    let entries = root.join(below).read_dir().into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<_> = folders.map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names.iter().filter(|name| is_source(&name.to_string_lossy())) {
        look(root, &below.join(name), depth + 1, patterns, members);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn check(files: &[(&str, &str)], app: &str, root: &str, expected: &[&str]) {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let project = Project::around(&home.path().join(app));
        assert_eq!(project.root, home.path().join(root), "{files:?}");
        let found: Vec<String> = project.files().iter().map(|file| file.display().to_string()).collect();
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn a_root_describes_what_its_members_need() {
        let alone =
            [("shop/package.json", "{}"), ("shop/yarn.lock", ""), ("package.json", "{}"), ("shop/lib/x.js", "")];
        check(&alone, "shop", "shop", &["package.json", "yarn.lock"]);
        let by_npm = [
            ("package.json", r#"{"workspaces":["apps/*","libs/*"]}"#),
            ("package-lock.json", ""),
            ("apps/shop/package.json", "{}"),
            ("libs/x/package.json", "{}"),
            ("other/package.json", "{}"),
            ("node_modules/y/package.json", "{}"),
        ];
        let members = ["package.json", "apps/shop/package.json", "libs/x/package.json", "package-lock.json"];
        check(&by_npm, "apps/shop", "", &members);
        // Beside members, and none.
        check(&by_npm, "other", "other", &["package.json"]);
        let by_pnpm = [
            ("pnpm-workspace.yaml", "packages:\n  - apps/*\n"),
            ("package.json", "{}"),
            ("apps/shop/package.json", "{}"),
            ("patches/y.patch", ""),
            ("patches/z.js", ""),
        ];
        let files = ["package.json", "apps/shop/package.json", "pnpm-workspace.yaml", "patches/y.patch"];
        check(&by_pnpm, "apps/shop", "", &files);
        let settings = [("pnpm-workspace.yaml", "onlyBuiltDependencies:\n  - x\n"), ("shop/package.json", "{}")];
        check(&settings, "shop", "shop", &["package.json"]);
    }
}

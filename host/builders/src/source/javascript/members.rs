//! Which folders below a root are its members: packages that are installed together with it.

use std::fs;
use std::path::Path;

use ignore::gitignore::Gitignore;
use ignore::gitignore::GitignoreBuilder;

use crate::source::javascript::manifest::Manifest;

/// Where pnpm is told. It may hold nothing but settings, too.
pub const PNPM: &str = "pnpm-workspace.yaml";

/// The patterns of a root.
#[derive(Debug)]
pub struct Members(Gitignore);

impl Members {
    /// Those of the root in `folder`, if it is one.
    pub fn of(folder: &Path) -> Option<Members> {
        let by_pnpm = fs::read_to_string(folder.join(PNPM)).unwrap_or_default();
        let mut patterns = listed(&by_pnpm);
        // What cannot be read is nobody's root.
        patterns.extend(Manifest::read(folder).unwrap_or_default().members());
        if patterns.is_empty() {
            return None;
        }
        let mut builder = GitignoreBuilder::new("/");
        for pattern in patterns {
            let (not, pattern) = pattern.strip_prefix('!').map_or(("", &*pattern), |pattern| ("!", pattern));
            let pattern = pattern.trim_start_matches("./").trim_matches('/');
            // One that is no pattern names no member.
            let _ = builder.add_line(None, &format!("{not}/{pattern}"));
        }
        Some(Members(builder.build().ok()?))
    }

    /// Whether the folder `below` the root is one.
    pub fn has(&self, below: &Path) -> bool {
        self.0.matched(Path::new("/").join(below), true).is_ignore()
    }
}

/// The strings of the list `packages` in a file in YAML.
fn listed(text: &str) -> Vec<String> {
    let after = text.lines().skip_while(|line| line.trim_end() != "packages:").skip(1);
    let items = after.take_while(|line| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with(['-', '#'])
    });
    let values = items.filter_map(|line| line.trim_start().strip_prefix('-'));
    values
        .map(|value| value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], members: &[&str], others: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            fs::write(root.path().join(file), text).unwrap();
        }
        let found = Members::of(root.path());
        for (below, expected) in
            members.iter().map(|member| (member, true)).chain(others.iter().map(|other| (other, false)))
        {
            assert_eq!(
                found.as_ref().is_some_and(|found| found.has(Path::new(below))),
                expected,
                "{below} in {files:?}"
            );
        }
    }

    #[test]
    fn members_are_what_the_patterns_name() {
        let apps = r#"{"workspaces":["apps/*","./tools/","!apps/old"]}"#;
        check(&[("package.json", apps)], &["apps/shop", "tools"], &["apps/old", "libs/x", "apps", "x/apps/shop"]);
        let deep = r#"{"workspaces":{"packages":["packages/**"]}}"#;
        check(&[("package.json", deep)], &["packages/a", "packages/a/b"], &["packages", "a"]);
        let by_pnpm = "# all\npackages:\n  - 'apps/*'  \n  - \"libs/**\" # and below\n\n  - tools\ncatalog:\n  - no\n";
        check(&[(PNPM, by_pnpm)], &["apps/shop", "libs/a/b", "tools"], &["no", "catalog"]);
        check(&[(PNPM, "onlyBuiltDependencies:\n  - x\n"), ("package.json", "{}")], &[], &["x"]);
        check(&[("package.json", "{")], &[], &["x"]);
    }
}

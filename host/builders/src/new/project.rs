//! A project's folder: checked before anything is written, and then there as a whole, or not at all.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::AppName;

use crate::new::template::File;
use crate::new::template::Template;

/// What the app is called in the templates.
const PLACEHOLDER: &str = "my-app";

/// Names that a Rust package cannot have, because a crate of that name is something else.
const TAKEN_IN_RUST: &[&str] = &["alloc", "core", "guesthouse", "guesthouse-sdk", "proc-macro", "std", "test"];

/// A folder in which a project can be made.
#[derive(Debug)]
pub struct Project {
    /// The app's name, which is the folder's.
    pub name: AppName,
    folder: PathBuf,
}

impl Project {
    /// Looks whether a project can be made at `folder`.
    pub fn at(folder: &Path) -> anyhow::Result<Project> {
        let shown = folder.display();
        let Some(last) = folder.file_name().and_then(|name| name.to_str()) else {
            bail!("`{shown}` does not end in a name: the new folder is called as the app is, such as `shop`");
        };
        let name = AppName::parse(last)?;
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.is_dir() {
            bail!("there is no folder `{}` to make `{name}` in", parent.display());
        }
        match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
            Ok(true) => {}
            Ok(false) => bail!("there is something in `{shown}` already: choose another name, or empty it"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !folder.is_symlink() => {}
            Err(_) => bail!("`{shown}` is there already, and is no folder: choose another name"),
        }
        Ok(Project { name, folder: parent.join(last) })
    }

    /// Writes the files of `template`, and says how many they are. What fails leaves nothing behind.
    pub fn write(&self, template: &Template) -> anyhow::Result<usize> {
        if template.is_rust() {
            self.check_rust()?;
        }
        let files = template.files();
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        let unwritable = || format!("cannot write `{}`", self.folder.display());
        // Beside its place, so that it can be moved there; it goes away when it is dropped.
        let draft = tempfile::Builder::new()
            .prefix(&format!(".{}-", self.name))
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(parent)
            .with_context(unwritable)?;
        for file in &files {
            write(draft.path(), file, &self.name).with_context(unwritable)?;
        }
        // An empty folder that is there makes way.
        fs::rename(draft.path(), &self.folder).with_context(unwritable)?;
        // There is nothing left to take away.
        let _ = draft.keep();
        Ok(files.len())
    }

    fn check_rust(&self) -> anyhow::Result<()> {
        let name = self.name.as_str();
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            bail!("`{name}` cannot be a Rust package, whose name does not begin with a digit: choose another name");
        }
        if TAKEN_IN_RUST.contains(&name) || is_keyword(name) {
            bail!("`{name}` cannot be a Rust package, because it is something else in Rust: choose another name");
        }
        Ok(())
    }
}

fn write(folder: &Path, file: &File, name: &AppName) -> std::io::Result<()> {
    let path = folder.join(&file.path);
    fs::create_dir_all(path.parent().unwrap_or(folder))?;
    // What is no text has no name in it.
    match std::str::from_utf8(file.content) {
        Ok(text) => fs::write(path, text.replace(PLACEHOLDER, name.as_str())),
        Err(_) => fs::write(path, file.content),
    }
}

/// The Rust Reference, "Keywords": those that are strict or reserved in the edition 2024.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else enum extern false \
                            final fn for gen if impl in let loop macro match mod move mut override priv pub ref return \
                            self static struct super trait true try type typeof unsafe unsized use virtual where while \
                            yield";
    KEYWORDS.split_whitespace().any(|keyword| keyword == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(folder: &Path, expected: &str) {
        let error = Project::at(folder).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    fn gateway() -> Template {
        "rust-gateway".parse().unwrap()
    }

    #[test]
    fn a_place_that_cannot_be_had_is_refused_before_anything_is_written() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at("full")).unwrap();
        fs::write(at("full/file"), "").unwrap();
        fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
        refused(&at("full"), "there is something in `");
        refused(&at("file"), "`");
        refused(&at("link"), "`");
        refused(&at("no/where"), "there is no folder `");
        refused(&at("My_App"), "`My_App` is not an app's name");
        refused(Path::new(".."), "`..` does not end in a name");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3);
    }

    #[test]
    fn an_empty_folder_is_filled_and_names_stand_where_the_placeholder_stood() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("shop")).unwrap();
        let project = Project::at(&home.path().join("shop")).unwrap();
        assert!(project.write(&gateway()).unwrap() > 10);
        let read = |path: &str| fs::read_to_string(home.path().join("shop").join(path)).unwrap();
        assert!(read("Cargo.toml").contains("name = \"shop\"\n"));
        assert!(read("README.md").contains("http://shop.localhost:8080/"));
        assert!(read("guesthouse-sdk/wit/gateway.wit").contains("interface handler"));
        assert!(!read("src/lib.rs").contains(PLACEHOLDER));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_fails_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let project = Project::at(&home.path().join("shop")).unwrap();
        // Somebody else is faster.
        fs::create_dir(home.path().join("shop")).unwrap();
        fs::write(home.path().join("shop/file"), "").unwrap();
        assert!(project.write(&gateway()).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(home.path().join("shop")).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_a_package_is_told_so() {
        let home = tempfile::tempdir().unwrap();
        let check = |name: &str, expected: bool| {
            let made = Project::at(&home.path().join(name)).unwrap().write(&gateway());
            assert_eq!(made.is_ok(), expected, "{name}: {made:?}");
        };
        check("2048", false);
        check("match", false);
        check("std", false);
        check("matches", true);
    }
}

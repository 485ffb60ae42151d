//! The modules of the packages in a source, by the names that they are imported by.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::source::python::layout;

/// A project has few modules that matter here, and few folders in one another.
const MODULES_MAX: usize = 500;
const DEPTH_MAX: usize = 4;

/// One module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// `shop.web.app`
    pub name: String,
    /// Its file, relative to the source.
    pub file: PathBuf,
}

/// Those in `folder` and in its `roots`, from the surface down. Tests are none of them.
pub fn in_packages(folder: &Path, roots: &[String]) -> Vec<Module> {
    let mut level: Vec<Module> = Vec::new();
    for root in [""].into_iter().chain(roots.iter().map(String::as_str)) {
        let packages = layout::folders(&folder.join(root)).into_iter();
        level.extend(packages.map(|name| Module { file: Path::new(root).join(&name), name }));
    }
    let mut found = Vec::new();
    for _ in 0..DEPTH_MAX {
        level.retain(|package| {
            let at = folder.join(&package.file);
            at.join("__init__.py").is_file() && !is_template(&at)
        });
        let mut below = Vec::new();
        for package in &level {
            let at = folder.join(&package.file);
            let inside = |name: &str| Module {
                name: format!("{}.{}", package.name, name.trim_end_matches(".py")),
                file: package.file.join(name),
            };
            found.extend(layout::files(&at).iter().filter(|file| !file.starts_with("test_")).map(|file| {
                match file.as_str() {
                    "__init__.py" => Module { name: package.name.clone(), file: package.file.join(file) },
                    file => inside(file),
                }
            }));
            below.extend(layout::folders(&at).iter().map(|name| inside(name)));
        }
        level = below;
    }
    found.truncate(MODULES_MAX);
    found
}

/// Whether a project of Django's lies there with blanks that are filled in for each that is made of it.
pub fn is_template(folder: &Path) -> bool {
    fs::read_to_string(folder.join("manage.py")).is_ok_and(|text| text.contains("{{ project_name }}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_as_they_are_imported() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "src/shop/__init__.py",
            "src/shop/web/__init__.py",
            "src/shop/web/app.py",
            "src/shop/test_x.py",
            "till/no.py",
            "new/__init__.py",
        ] {
            fs::create_dir_all(root.path().join(file).parent().unwrap()).unwrap();
            fs::write(root.path().join(file), "").unwrap();
        }
        fs::write(root.path().join("new/manage.py"), "x(\"{{ project_name }}.settings\")").unwrap();
        let found = in_packages(root.path(), &["src".to_owned()]);
        let found: Vec<(&str, &str)> =
            found.iter().map(|one| (one.name.as_str(), one.file.to_str().unwrap())).collect();
        assert_eq!(
            found,
            [
                ("shop", "src/shop/__init__.py"),
                ("shop.web", "src/shop/web/__init__.py"),
                ("shop.web.app", "src/shop/web/app.py"),
            ]
        );
    }
}

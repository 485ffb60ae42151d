//! Packages that were written for an older Python: which one it is, and which of its releases is for the guest's.

use std::fs;
use std::path::Path;

use crate::python::index::resolve::Chosen;
use crate::python::toolchain::tools::Tools;
use crate::run::output;

/// Modules that went out of the standard library, with the version that was the first without them (the notes "What's New"
/// of Python).
const REMOVED: &[(&str, &str)] = &[
    ("aifc", "3.13"),
    ("asynchat", "3.12"),
    ("asyncore", "3.12"),
    ("audioop", "3.13"),
    ("cgi", "3.13"),
    ("cgitb", "3.13"),
    ("chunk", "3.13"),
    ("crypt", "3.13"),
    ("distutils", "3.12"),
    ("imghdr", "3.13"),
    ("imp", "3.12"),
    ("lib2to3", "3.13"),
    ("mailcap", "3.13"),
    ("msilib", "3.13"),
    ("nis", "3.13"),
    ("nntplib", "3.13"),
    ("ossaudiodev", "3.13"),
    ("pipes", "3.13"),
    ("smtpd", "3.12"),
    ("sndhdr", "3.13"),
    ("spwd", "3.13"),
    ("sunau", "3.13"),
    ("telnetlib", "3.13"),
    ("uu", "3.13"),
    ("xdrlib", "3.13"),
];

/// Words of errors that code for an older Python ends with: names that the standard library has no more.
const SIGNS: [&str; 8] = [
    "from 'collections'",
    "module 'inspect' has no attribute",
    "module 'pkgutil' has no attribute",
    "module 'ast' has no attribute",
    "module 'asyncio' has no attribute",
    "module 'typing' has no attribute",
    "module 'collections' has no attribute",
    "from 'typing'",
];

/// The version without a module of the standard library, if it is one that went.
pub fn removed_in(module: &str) -> Option<&'static str> {
    let first = module.split('.').next().unwrap_or(module);
    REMOVED.iter().find(|(name, _)| *name == first).map(|(_, version)| *version)
}

/// What an app that failed with `refused` and `traceback` needs instead; nothing, if no package for an older Python is the
/// cause. The packages lie in `site`, and the index is asked for their releases.
pub async fn told(tools: &Tools, refused: &str, traceback: &str, site: &Path, chosen: &[Chosen]) -> Option<String> {
    let module = missing(refused);
    let is_setuptools = module == Some("pkg_resources");
    let why = match module {
        Some("pkg_resources") => "`pkg_resources` was a part of setuptools, and is none since release 82".to_owned(),
        Some(module) if removed_in(module).is_some() => {
            let version = removed_in(module).unwrap_or_default();
            format!("`{module}` went out of Python's standard library with {version}, and a guest has Python 3.14")
        }
        Some(_) => return None,
        None if SIGNS.iter().any(|sign| refused.contains(sign)) => "it is written for a Python before 3.14".to_owned(),
        None => return None,
    };
    let Some(package) = package_of(traceback, site) else {
        let own = if is_setuptools {
            "; `setuptools<82` in the requirements has it"
        } else {
            "; it is the app's own code that needs it"
        };
        return Some(format!("{why}{own}"));
    };
    let used = chosen
        .iter()
        .find(|one| one.name.eq_ignore_ascii_case(&package))
        .map(|one| one.version.clone())
        .unwrap_or_default();
    let newest = newest(tools, &package).await;
    let what = match newest {
        Some(newest) if newest == used => {
            format!("{newest} is its newest release for Python 3.14: none helps, look for another package")
        }
        Some(newest) => format!(
            "its newest release for Python 3.14 is {newest}: `{package}>={newest}` in the requirements takes it"
        ),
        None => "the index does not say whether there is a newer release".to_owned(),
    };
    let besides = if is_setuptools { "; or `setuptools<82` beside it" } else { "" };
    Some(format!("{why}: `{package}` {used} needs it, and {what}{besides}"))
}

/// The module that was not found.
fn missing(refused: &str) -> Option<&str> {
    let name = refused.split("No module named '").nth(1)?.split('\'').next()?;
    name.split('.').next()
}

/// The package whose code the traceback ends in, by the lists of files that installs leave (`RECORD`).
fn package_of(traceback: &str, site: &Path) -> Option<String> {
    let file = traceback.lines().rev().find_map(|line| line.trim_start().strip_prefix("File \""))?;
    let file = file.split('"').next()?.strip_prefix("/2/")?;
    for entry in site.read_dir().ok()?.flatten().map(|entry| entry.path()) {
        let record = fs::read_to_string(entry.join("RECORD")).unwrap_or_default();
        if record.lines().any(|line| line.split(',').next() == Some(file)) {
            let metadata = fs::read_to_string(entry.join("METADATA")).ok()?;
            return metadata.lines().find_map(|line| line.strip_prefix("Name: ")).map(str::to_owned);
        }
    }
    None
}

/// The newest release that the index has for the guest's Python.
async fn newest(tools: &Tools, package: &str) -> Option<String> {
    let mut pip = tools.pip();
    pip.args(["index", "versions", "--disable-pip-version-check", "--python-version", "3.14", package]);
    tools.pip_settings().await.ok()?.look(&mut pip);
    let asked = output(&mut pip).await.ok().filter(|asked| asked.status.success())?;
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    let versions = said.lines().find_map(|line| line.strip_prefix("Available versions: "))?;
    versions.split(',').next().map(|version| version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_knows_what_went() {
        assert!(REMOVED.is_sorted());
        assert_eq!((removed_in("distutils.version"), removed_in("flask")), (Some("3.12"), None));
    }

    #[test]
    fn the_package_is_told_by_the_last_frame() {
        let site = tempfile::tempdir().unwrap();
        let info = site.path().join("django_old-1.dist-info");
        fs::create_dir(&info).unwrap();
        fs::write(info.join("RECORD"), "django_old/utils/v.py,sha256=x,1\n").unwrap();
        fs::write(info.join("METADATA"), "Metadata-Version: 2.1\nName: Django-Old\n").unwrap();
        let frames = |last: &str| {
            format!("  File \"/0/app.py\", line 1\n    import x\n  File \"{last}\", line 3\n    import imp\nError: x\n")
        };
        assert_eq!(package_of(&frames("/2/django_old/utils/v.py"), site.path()).as_deref(), Some("Django-Old"));
        assert_eq!(package_of(&frames("/0/shop.py"), site.path()), None);
        assert_eq!(missing("x: ModuleNotFoundError: No module named 'distutils.version'"), Some("distutils"));
    }
}

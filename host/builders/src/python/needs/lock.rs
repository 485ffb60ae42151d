//! Files that lock packages: `uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml`, `Pipfile.lock`. Their versions and hashes are what is installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::anyhow;
use anyhow::bail;
use guesthouse_types::toml_error::explain;
use toml::Table;
use toml::Value;

use crate::config::settings::FILE;
use crate::python::index::native::normalized;
use crate::python::index::resolve::Chosen;
use crate::python::needs::locked;
use crate::python::needs::locked::Locked;
use crate::python::needs::pipfile;

/// Those that are read, and what renews each.
const KNOWN: [(&str, &str); 5] = [
    ("uv.lock", "uv lock"),
    ("poetry.lock", "poetry lock"),
    ("pdm.lock", "pdm lock"),
    ("pylock.toml", "uv export -o pylock.toml"),
    (pipfile::LOCK, "pipenv lock"),
];
/// Others, of which we say that they do not count.
const OTHERS: [&str; 1] = ["conda-lock.yml"];

/// A lock that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Its name.
    pub file: &'static str,
    /// What writes it anew.
    renew: &'static str,
    /// What it names; the same package in several versions for different places.
    packages: Vec<Locked>,
}

impl Lock {
    /// The one in `folder`, if there is one that is read.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Lock>> {
        for (file, renew) in KNOWN {
            let Ok(text) = fs::read_to_string(folder.join(file)) else { continue };
            if file == pipfile::LOCK {
                let packages = pipfile::locked(&text)?.into_iter().map(|one| {
                    let pipfile::Pinned { name, version, at, marker, hashes } = one;
                    Locked { name: normalized(&name), version, at, marker, hashes }
                });
                return Ok(Some(Lock { file, renew, packages: packages.collect() }));
            }
            let table: Table = toml::from_str(&text).map_err(|error| anyhow!(explain(file, &text, &error)))?;
            let list = table.get(if file == "pylock.toml" { "packages" } else { "package" });
            let mut packages = Vec::new();
            for one in list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table) {
                packages.extend(locked::read(file, one)?);
            }
            // Poetry and PDM of old keep the hashes apart: by `name`, and by `name version`.
            let files = table.get("metadata").and_then(|metadata| metadata.get("files")).and_then(Value::as_table);
            for (name, files) in files.into_iter().flatten() {
                let table = Table::from_iter([("files".to_owned(), files.clone())]);
                let name = name.split(' ').next().unwrap_or(name);
                let of_it = packages.iter_mut().filter(|one: &&mut Locked| one.name == normalized(name));
                of_it.for_each(|one| one.hashes.extend(locked::hashes(&table)));
            }
            return Ok(Some(Lock { file, renew, packages }));
        }
        Ok(None)
    }

    /// All of its packages, as requirements.
    pub fn lines(&self) -> Vec<String> {
        self.packages.iter().map(Locked::line).collect()
    }

    /// The hashes of each package's files, as `pip_for_guest.py` takes them.
    pub fn hashes(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Locked { name, hashes, .. } in self.packages.iter().filter(|one| one.at.is_none()) {
            all.entry(name).or_default().extend(hashes.iter().map(String::as_str));
        }
        all
    }

    /// Whether all that was chosen is what the lock says. `ours` are packages that the builder adds.
    pub fn check(&self, chosen: &[Chosen], ours: &[&str]) -> anyhow::Result<()> {
        let Lock { file, renew, .. } = self;
        for one in chosen {
            let name = normalized(&one.name);
            let mut named = self.packages.iter().filter(|locked| locked.name == name).peekable();
            if named.peek().is_none() {
                if ours.contains(&name.as_str()) {
                    continue;
                }
                bail!("{file} does not name `{}`, which is needed: write it anew, with `{renew}`", one.name);
            }
            let known: Vec<&String> =
                named.filter(|locked| locked.at.is_none()).flat_map(|locked| &locked.hashes).collect();
            if !known.is_empty() && !one.sha256.is_empty() && !known.contains(&&one.sha256) {
                bail!(
                    "`{}` {} from `{}` has the SHA-256 {}, and {file} has others: this is not the file that was locked",
                    one.name,
                    one.version,
                    one.url,
                    one.sha256
                );
            }
        }
        Ok(())
    }
}

/// Locks in `folder` that do not count, and why, for people.
pub fn unread(folder: &Path, read: Option<&Lock>, origin: &str) -> Vec<String> {
    let is_there = |file: &&str| folder.join(file).is_file() && read.is_none_or(|read| read.file != *file);
    let files = KNOWN.into_iter().map(|(file, _)| file).chain(OTHERS).filter(is_there);
    let why = match (read, origin) {
        (Some(read), _) => format!("{} counts", read.file),
        (None, "") => format!(
            "nothing says which packages the app needs (`dependencies` of `[project]` in pyproject.toml, a requirements.txt, or \
             `[build]` `requirements` in {FILE})"
        ),
        (None, "pyproject.toml") => "this kind is not known here".to_owned(),
        (None, origin) => format!("{origin} says which packages the app needs"),
    };
    files.map(|file| format!("{file} is not read: {why}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::index::resolve::Source;

    fn read(file: &str, text: &str) -> anyhow::Result<Lock> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        Ok(Lock::read(folder.path())?.unwrap())
    }

    #[test]
    fn each_kind_is_read() {
        let uv = "version = 1\n[[package]]\nname = \"shop\"\nversion = \"0.1\"\nsource = { virtual = \".\" }\n\
                  [[package]]\nname = \"Six\"\nversion = \"1.17.0\"\nsource = { registry = \"https://x/simple\" }\n\
                  resolution-markers = [\"python_full_version >= '3.10'\", \"os_name == 'nt'\"]\n\
                  sdist = { url = \"https://x/six.tar.gz\", hash = \"sha256:AA\" }\nwheels = [{ url = \"u\", hash = \"sha256:bb\" }]\n\
                  [[package]]\nname = \"till\"\nversion = \"1\"\nsource = { git = \"https://x/till?rev=main#0123\" }\n";
        let lock = read("uv.lock", uv).unwrap();
        let six = "six==1.17.0 ; (python_full_version >= '3.10') or (os_name == 'nt')";
        assert_eq!(lock.lines(), [six, "till @ git+https://x/till@0123"]);
        assert_eq!(lock.hashes(), BTreeMap::from([("six", vec!["aa", "bb"])]));

        let poetry = "[[package]]\nname = \"six\"\nversion = \"1.17.0\"\nfiles = [{file = \"x.whl\", hash = \"sha256:cc\"}]\n\
                      [[package]]\nname = \"till\"\nversion = \"1\"\nfiles = []\n[package.source]\ntype = \"git\"\n\
                      url = \"https://x/till\"\nresolved_reference = \"0123\"\nsubdirectory = \"py\"\n";
        let lock = read("poetry.lock", poetry).unwrap();
        assert_eq!(lock.lines(), ["six==1.17.0", "till @ git+https://x/till@0123#subdirectory=py"]);
        assert_eq!(lock.hashes()["six"], ["cc"]);

        let pdm = "[metadata]\nlock_version = \"4.5.0\"\n[[package]]\nname = \"Six\"\nversion = \"1.17.0\"\n\
                   groups = [\"default\"]\nmarker = \"os_name == 'posix'\"\nfiles = [{file = \"x.whl\", hash = \"sha256:cc\"}]\n\
                   [[package]]\nname = \"till\"\nversion = \"1\"\ngit = \"https://x/till\"\nrevision = \"0123\"\n\
                   [[package]]\nname = \"own\"\nversion = \"1\"\npath = \"./own\"\n";
        let lock = read("pdm.lock", pdm).unwrap();
        assert_eq!(lock.lines(), ["six==1.17.0 ; os_name == 'posix'", "till @ git+https://x/till@0123"]);
        assert_eq!(lock.hashes()["six"], ["cc"]);
        let of_old = "[[package]]\nname = \"six\"\nversion = \"1\"\n[metadata.files]\n\"six 1\" = [{url = \"u\", hash = \"sha256:dd\"}]\n";
        assert_eq!(read("pdm.lock", of_old).unwrap().hashes()["six"], ["dd"]);

        let pylock = "lock-version = \"1.0\"\n[[packages]]\nname = \"six\"\nversion = \"1.17.0\"\nmarker = \"os_name == 'posix'\"\n\
                      [[packages.wheels]]\nurl = \"u\"\nhashes = {sha256 = \"dd\"}\n\
                      [[packages]]\nname = \"till\"\narchive = { url = \"https://x/till.zip\", hashes = { sha256 = \"ee\" } }\n";
        let lock = read("pylock.toml", pylock).unwrap();
        assert_eq!(lock.lines(), ["six==1.17.0 ; os_name == 'posix'", "till @ https://x/till.zip#sha256=ee"]);
        assert_eq!(lock.hashes()["six"], ["dd"]);
    }

    #[test]
    fn what_lies_on_this_machine_is_refused() {
        for (file, text) in [
            ("uv.lock", "[[package]]\nname = \"lib\"\nversion = \"1\"\nsource = { editable = \"../lib\" }\n"),
            (
                "poetry.lock",
                "[[package]]\nname = \"lib\"\nversion = \"1\"\nsource = { type = \"directory\", url = \"../lib\" }\n",
            ),
            ("pdm.lock", "[[package]]\nname = \"lib\"\nversion = \"1\"\npath = \"../lib\"\neditable = true\n"),
            ("pylock.toml", "[[packages]]\nname = \"lib\"\ndirectory = { path = \"../lib\" }\n"),
        ] {
            let error = read(file, text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{file}: `lib` is a package on this machine, at `../lib`")), "{error}");
        }
    }

    #[test]
    fn what_is_not_locked_and_another_file_are_refused() {
        let lock =
            read("poetry.lock", "[[package]]\nname = \"six\"\nversion = \"1\"\nfiles = [{hash = \"sha256:aa\"}]\n")
                .unwrap();
        let one = |name: &str, sha256: &str| Chosen {
            name: name.to_owned(),
            version: "1".to_owned(),
            source: Source::Pure,
            needed_by: Vec::new(),
            url: "https://x/six.whl".to_owned(),
            revision: String::new(),
            sha256: sha256.to_owned(),
            kept: "1/six.whl".into(),
            raised_from: None,
        };
        assert!(lock.check(&[one("six", "aa"), one("tzdata", "ff")], &["tzdata"]).is_ok());
        let error = lock.check(&[one("Six", "bb")], &[]).unwrap_err().to_string();
        assert!(error.contains("has the SHA-256 bb, and poetry.lock has others"), "{error}");
        let error = lock.check(&[one("flask", "aa")], &[]).unwrap_err().to_string();
        assert_eq!(error, "poetry.lock does not name `flask`, which is needed: write it anew, with `poetry lock`");
    }

    #[test]
    fn a_lock_that_does_not_count_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["uv.lock", "conda-lock.yml"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let told = unread(folder.path(), None, "requirements.txt");
        assert_eq!(told[0], "uv.lock is not read: requirements.txt says which packages the app needs");
        let lock = Lock::read(folder.path()).unwrap();
        assert_eq!(
            unread(folder.path(), lock.as_ref(), "pyproject.toml"),
            ["conda-lock.yml is not read: uv.lock counts"]
        );
    }
}

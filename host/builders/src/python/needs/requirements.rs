//! Which packages an app needs, and from where, as its author says it.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

use crate::config::settings::FILE;
use crate::python::needs::lines;
use crate::python::needs::lock;
use crate::python::needs::lock::Lock;
use crate::python::needs::own;
use crate::python::needs::pipfile;
use crate::python::needs::places;
use crate::python::needs::pyproject::PYPROJECT;
use crate::python::needs::pyproject::Pyproject;
use crate::python::needs::pyproject::name_of;
use crate::python::needs::setup::Setup;
use crate::python::toolchain::pip::contents;

/// How deep files of requirements may name others.
const DEPTH_MAX: usize = 8;

/// What an app needs, as pip takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Requirements of PEP 508.
    pub lines: Vec<String>,
    /// Files with requirements, relative to the source.
    pub files: Vec<String>,
    /// These files in one, without what is installed with the source, if there is such a thing in them.
    pub flat: Option<String>,
    /// Projects in the source that are installed with it, by their folders in it: `.`, `lib`.
    pub own: Vec<String>,
    /// Indexes that are not named in these files.
    pub options: Vec<String>,
    /// Variables that these files name, with their values.
    pub environment: Vec<(String, String)>,
    /// What fixes versions and hashes.
    pub lock: Option<Lock>,
    /// Packages that a guest needs besides.
    pub ours: Vec<&'static str>,
    /// Where they were found, for people: `requirements.txt`.
    pub origin: String,
    /// What an author may think that counts, and does not.
    pub unread: Vec<String>,
    /// All that the choice of packages depends on here, for telling whether something changed. It may hold passwords.
    pub text: String,
}

impl Requirements {
    /// Of the source in `folder`: what `guesthouse.toml` says (`given`), else what the tools of Python's authors say, there or
    /// in the folder `home` of it.
    pub fn of(folder: &Path, home: &str, given: Option<&[String]>) -> anyhow::Result<Requirements> {
        let mut found = Requirements::default();
        if let Some(given) = given {
            found.origin = FILE.to_owned();
            for one in given {
                match one.ends_with(".txt") {
                    true => found.files.push(one.clone()),
                    false => found.lines.push(one.clone()),
                }
            }
        } else {
            found.look(folder, "")?;
            if found.origin.is_empty() && !home.is_empty() {
                found.look(folder, home)?;
            }
        }
        for line in found.lines.clone() {
            found.take_line(folder, &line)?;
        }
        let mut flat = Vec::new();
        for file in found.files.clone() {
            found.read(folder, Path::new(&file), 0, &mut flat)?;
        }
        if !found.own.is_empty() {
            found.flat = Some(flat.join("\n"));
        }
        // What they need themselves is needed, and they may have others beside them.
        let mut at = 0;
        while let Some(own) = found.own.get(at).cloned() {
            at += 1;
            if given.is_none() && found.origin != PYPROJECT {
                for line in own::requirements(&folder.join(&own))? {
                    found.take_line(folder, &line)?;
                    found.lines.push(line);
                }
            }
        }
        found.unread = lock::unread(folder, found.lock.as_ref(), &found.origin);
        Ok(found)
    }

    /// Adds a package that the app needs in a guest, unless its author has named it.
    pub fn also(&mut self, name: &'static str) {
        if !self.names(name) {
            self.ours.push(name);
            self.add(name);
        }
    }

    /// Whether the app's author names `package`, with or without extras.
    pub fn names(&self, package: &str) -> bool {
        self.text.lines().any(|line| {
            let after = line.to_ascii_lowercase();
            let after = after.strip_prefix(package).map(|rest| rest.chars().next().unwrap_or(' '));
            after.is_some_and(|next| !next.is_ascii_alphanumeric() && !"-_.".contains(next))
        })
    }

    /// Takes Django, where a project of Django's does not say what it needs.
    pub fn or_django(&mut self) {
        if self.is_empty() && self.origin.is_empty() {
            self.origin = "manage.py (nothing says what the project needs: the newest Django)".to_owned();
            self.lines.push("django".to_owned());
            self.add("django");
        }
    }

    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.text.is_empty()
    }

    /// Whether nothing that an index has newer could be taken instead.
    pub fn are_fixed(&self) -> bool {
        self.lock.is_some() || self.have_hashes()
    }

    /// Whether pip wants a hash for each package, because one has some.
    pub fn have_hashes(&self) -> bool {
        self.text.contains("--hash") || self.text.contains("--require-hashes")
    }

    /// Looks into the folder `below` of the source.
    fn look(&mut self, folder: &Path, below: &str) -> anyhow::Result<()> {
        let at = folder.join(below);
        let named = |file: &str| Path::new(below).join(file).to_string_lossy().into_owned();
        if at.join("requirements.txt").is_file() {
            self.origin = named("requirements.txt");
            self.files.push(self.origin.clone());
            return Ok(());
        }
        self.of_project(&at, below)?;
        if !self.origin.is_empty() {
            return Ok(());
        }
        if let Some(requirements) = pipfile::requirements(&at)? {
            self.origin = named(pipfile::PIPFILE);
            self.lines = requirements;
            self.lock = Lock::read(&at)?.filter(|lock| lock.file == pipfile::LOCK);
        } else if let Some(lock) = Lock::read(&at)?.filter(|lock| lock.file == pipfile::LOCK) {
            self.origin = named(lock.file);
            self.lines = lock.lines();
            self.lock = Some(lock);
        } else if let Some(file) = places::file(&at) {
            self.origin = named(&file);
            self.files.push(self.origin.clone());
        } else if let Some(setup) = Setup::read(&at).filter(|setup| !setup.requires.is_empty()) {
            self.origin = named(setup.file);
            self.lines = setup.requires;
        }
        if let Some(lock) = &self.lock {
            let text = format!("{lock:?}");
            self.add(&text);
        }
        Ok(())
    }

    fn of_project(&mut self, folder: &Path, below: &str) -> anyhow::Result<()> {
        let project = Pyproject::read(folder)?;
        let lock = Lock::read(folder)?;
        let needs = project.as_ref().is_some_and(|project| !project.dependencies.is_empty());
        match (project, lock) {
            (Some(project), lock) if needs => {
                if let (Some(name), None) = (project.needed_from_elsewhere(folder), &lock) {
                    bail!("{}", project.refusal(name));
                }
                self.origin = PYPROJECT.to_owned();
                let inside = project.inside(folder);
                let is_own = |line: &String| inside.iter().any(|(name, _)| *name == name_of(line));
                self.lines = project.dependencies.iter().filter(|line| !is_own(line)).cloned().collect();
                for (_, path) in &inside {
                    self.lines.extend(own::requirements(&folder.join(path))?);
                    self.own.push(Path::new(below).join(path).to_string_lossy().into_owned());
                }
                self.options = project.indexes;
                self.lock = lock.filter(|lock| lock.file != pipfile::LOCK);
            }
            (Some(project), _) if !project.files.is_empty() => {
                self.origin = PYPROJECT.to_owned();
                self.files = project
                    .files
                    .iter()
                    .map(|file| Path::new(below).join(file).to_string_lossy().into_owned())
                    .collect();
            }
            // It is a list of all that is needed.
            (_, Some(lock)) if lock.file == "pylock.toml" => {
                self.origin = lock.file.to_owned();
                self.lines = lock.lines();
                self.lock = Some(lock);
            }
            (Some(_), _) | (None, _) => {}
        }
        self.options.clone().iter().for_each(|option| self.add(option));
        if let Some(lock) = &self.lock {
            let text = format!("{lock:?}");
            self.add(&text);
        }
        Ok(())
    }

    fn take_line(&mut self, folder: &Path, line: &str) -> anyhow::Result<()> {
        if let Some(own) = lines::local(line).and_then(|path| own::inside(folder, Path::new(""), &path)) {
            self.own.push(own);
            self.lines.retain(|other| other != line);
            return Ok(());
        }
        lines::read(line, &self.origin)?;
        self.add(line);
        Ok(())
    }

    fn read(&mut self, folder: &Path, file: &Path, depth: usize, flat: &mut Vec<String>) -> anyhow::Result<()> {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", file.display()))?;
        let beside = |other: &str| file.parent().map_or_else(|| PathBuf::from(other), |parent| parent.join(other));
        for name in lines::variables(&text) {
            if let Ok(value) = env::var(name) {
                self.add(&format!("${{{name}}}={value}"));
                self.environment.push((name.to_owned(), value));
            }
        }
        for line in lines::logical(&text) {
            if let Some(own) = lines::local(&line).and_then(|path| own::inside(folder, file, &path)) {
                self.add(&line);
                self.own.push(own);
                continue;
            }
            self.add(&line);
            let named = lines::read(&line, &file.display().to_string())?;
            for place in &named.places {
                // Beside the file, else where pip is run.
                let place = place.trim_start_matches("file://");
                for found in [folder.join(beside(place)), folder.join(place)] {
                    self.add(&contents(&found));
                }
            }
            let mut below = Vec::new();
            for other in &named.files {
                if depth == DEPTH_MAX {
                    bail!("`{}`: files that name files without an end", file.display());
                }
                self.read(folder, &beside(other), depth + 1, &mut below)?;
            }
            flat.extend(match named.files.first() {
                None => vec![line],
                Some(other) if named.is_constraint => vec![format!("-c {}", folder.join(beside(other)).display())],
                Some(_) => below,
            });
        }
        Ok(())
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| fs::write(root.path().join(name), text).unwrap());
        root
    }

    #[test]
    fn they_are_found_in_one_place() {
        let pyproject = ("pyproject.toml", "[project]\nname = \"x\"\ndependencies = [\"flask>=3\"]\n[tool.x]\ny = 1\n");
        let both = folder(&[("requirements.txt", "django\n"), pyproject]);
        let found = Requirements::of(both.path(), "", None).unwrap();
        assert_eq!((found.files.as_slice(), found.text.as_str()), (&["requirements.txt".to_owned()][..], "django\n"));
        let found = Requirements::of(folder(&[pyproject]).path(), "", None).unwrap();
        assert_eq!((found.origin.as_str(), found.lines.as_slice()), ("pyproject.toml", &["flask>=3".to_owned()][..]));
        let given = ["bottle".to_owned(), "requirements.txt".to_owned()];
        let found = Requirements::of(both.path(), "", Some(&given)).unwrap();
        assert_eq!((found.lines.len(), found.files.len(), found.text.as_str()), (1, 1, "bottle\ndjango\n"));
        assert!(Requirements::of(folder(&[]).path(), "", None).unwrap().is_empty());
        assert!(Requirements::of(both.path(), "", Some(&[])).unwrap().is_empty());
    }

    #[test]
    fn files_that_they_name_count_as_well() {
        let root =
            folder(&[("requirements.txt", "-r base.txt\n# x\n\nflask # y\n"), ("base.txt", "-c pins.txt\njinja2\n")]);
        fs::write(root.path().join("pins.txt"), "jinja2==3.1.6\n").unwrap();
        let found = Requirements::of(root.path(), "", None).unwrap();
        assert_eq!(found.text, "-r base.txt\n-c pins.txt\njinja2==3.1.6\njinja2\nflask\n");
        fs::write(root.path().join("pins.txt"), "-r requirements.txt").unwrap();
        assert!(Requirements::of(root.path(), "", None).unwrap_err().to_string().contains("without an end"));
    }

    #[test]
    fn packages_on_this_machine_are_refused() {
        for line in ["-e ..", "./lib", "/opt/lib", "lib @ file:///opt/lib"] {
            let root = folder(&[("requirements.txt", line)]);
            let error = Requirements::of(root.path(), "", None).unwrap_err().to_string();
            assert!(error.starts_with(&format!("requirements.txt: `{line}` is a package on this machine")), "{error}");
        }
    }

    #[test]
    fn a_lock_counts_where_the_project_says_what_it_needs() {
        let pyproject = ("pyproject.toml", "[project]\nname = \"x\"\ndependencies = [\"six\"]\n");
        let sources = (
            "pyproject.toml",
            "[project]\nname = \"x\"\ndependencies = [\"six\"]\n[tool.uv.sources]\nsix = {git = \"https://x\"}\n",
        );
        let lock = ("uv.lock", "[[package]]\nname = \"six\"\nversion = \"1\"\nwheels = [{hash = \"sha256:aa\"}]\n");
        let found = Requirements::of(folder(&[pyproject, lock]).path(), "", None).unwrap();
        assert_eq!(found.lock.as_ref().map(|lock| lock.file), Some("uv.lock"));
        assert!(found.are_fixed() && !found.have_hashes() && found.unread.is_empty());
        let other = ("uv.lock", "[[package]]\nname = \"six\"\nversion = \"1\"\nwheels = [{hash = \"sha256:bb\"}]\n");
        assert_ne!(Requirements::of(folder(&[pyproject, other]).path(), "", None).unwrap().text, found.text);
        assert!(Requirements::of(folder(&[sources, lock]).path(), "", None).is_ok());
        let error = Requirements::of(folder(&[sources]).path(), "", None).unwrap_err().to_string();
        assert!(
            error.starts_with("pyproject.toml: `six` is needed, and a table of its own says from where"),
            "{error}"
        );
        let found =
            Requirements::of(folder(&[pyproject, lock, ("requirements.txt", "six\n")]).path(), "", None).unwrap();
        assert_eq!((found.lock, found.unread.len()), (None, 1));
    }

    #[test]
    fn what_lies_in_a_folder_of_wheels_is_part_of_what_is_needed() {
        let root = folder(&[("requirements.txt", "--find-links wheels\nsix\n")]);
        let before = Requirements::of(root.path(), "", None).unwrap().text;
        fs::create_dir(root.path().join("wheels")).unwrap();
        fs::write(root.path().join("wheels/six-1-py3-none-any.whl"), "x").unwrap();
        assert_ne!(Requirements::of(root.path(), "", None).unwrap().text, before);
    }

    #[test]
    fn a_package_is_named_with_extras_and_without() {
        for (line, expected) in [
            ("psycopg[binary]==3.3.9", true),
            ("Psycopg", true),
            ("psycopg >= 3", true),
            ("psycopg2", false),
            ("psycopg-pool", false),
            ("flask", false),
        ] {
            let found = Requirements::of(folder(&[("requirements.txt", line)]).path(), "", None).unwrap();
            assert_eq!(found.names("psycopg"), expected, "{line}");
        }
    }
}

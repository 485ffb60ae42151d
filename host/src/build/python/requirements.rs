//! Which packages an app needs, as its author says it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use serde::Deserialize;

use crate::build::settings::FILE;
use crate::explain::explain;

/// How deep files of requirements may name others.
const DEPTH_MAX: usize = 8;

/// What an app needs, as pip takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Requirements of PEP 508.
    pub lines: Vec<String>,
    /// Files with requirements, relative to the source.
    pub files: Vec<String>,
    /// Where they were found, for people: `requirements.txt`.
    pub origin: String,
    /// All lines of all files, for telling whether something changed.
    pub text: String,
}

/// What we need of `pyproject.toml`.
#[derive(Deserialize)]
struct Pyproject {
    project: Option<Project>,
}

#[derive(Deserialize)]
struct Project {
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Requirements {
    /// Of the source in `folder`: what `guesthouse.toml` says (`given`), else requirements.txt, else pyproject.toml.
    pub fn of(folder: &Path, given: Option<&[String]>) -> anyhow::Result<Requirements> {
        let mut found = Requirements::default();
        if let Some(given) = given {
            found.origin = FILE.to_owned();
            for one in given {
                match one.ends_with(".txt") {
                    true => found.files.push(one.clone()),
                    false => found.lines.push(one.clone()),
                }
            }
        } else if folder.join("requirements.txt").is_file() {
            found.origin = "requirements.txt".to_owned();
            found.files.push(found.origin.clone());
        } else if let Some(lines) = of_pyproject(folder)? {
            found.origin = "pyproject.toml".to_owned();
            found.lines = lines;
        }
        for line in found.lines.clone() {
            check(&line, &found.origin)?;
            found.add(&line);
        }
        for file in found.files.clone() {
            found.read(folder, Path::new(&file), 0)?;
        }
        Ok(found)
    }

    /// Adds a package that the app needs in a guest, unless its author has named it.
    pub fn also(&mut self, name: &str) {
        if !self.text.lines().any(|line| line.to_ascii_lowercase().starts_with(name)) {
            self.lines.push(name.to_owned());
            self.add(name);
        }
    }

    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn read(&mut self, folder: &Path, file: &Path, depth: usize) -> anyhow::Result<()> {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", file.display()))?;
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or(line).trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            self.add(line);
            let named = ["-r", "--requirement", "-c", "--constraint"].into_iter().find_map(|flag| {
                let rest = line.strip_prefix(flag)?;
                rest.starts_with([' ', '=']).then(|| rest.trim_start_matches([' ', '=']).trim())
            });
            match named {
                Some(_) if depth == DEPTH_MAX => bail!("`{}`: files that name files without an end", file.display()),
                Some(other) => {
                    let beside = file.parent().map_or_else(|| PathBuf::from(other), |parent| parent.join(other));
                    self.read(folder, &beside, depth + 1)?;
                }
                None => check(line, &file.display().to_string())?,
            }
        }
        Ok(())
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn of_pyproject(folder: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let Ok(text) = fs::read_to_string(folder.join("pyproject.toml")) else { return Ok(None) };
    let read: Result<Pyproject, _> = toml::from_str(&text);
    let pyproject = read.map_err(|error| anyhow!(explain("pyproject.toml", &text, &error)))?;
    Ok(pyproject.project.map(|project| project.dependencies).filter(|lines| !lines.is_empty()))
}

/// What lies on this machine may change without a line that changes: such a package belongs into the source.
fn check(line: &str, origin: &str) -> anyhow::Result<()> {
    let is_editable = ["-e ", "--editable"].iter().any(|flag| line.starts_with(flag));
    let is_path = line.starts_with(['.', '/']) || line.contains("file:");
    if is_editable || is_path {
        bail!(
            "{origin}: `{line}` is a package on this machine, and only those of an index can be taken: put it into the app's \
             folder, or say in {FILE} what is needed, as `[build]` `requirements = [\"flask>=3\"]`"
        );
    }
    Ok(())
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
        let found = Requirements::of(both.path(), None).unwrap();
        assert_eq!((found.files.as_slice(), found.text.as_str()), (&["requirements.txt".to_owned()][..], "django\n"));
        let found = Requirements::of(folder(&[pyproject]).path(), None).unwrap();
        assert_eq!((found.origin.as_str(), found.lines.as_slice()), ("pyproject.toml", &["flask>=3".to_owned()][..]));
        let given = ["bottle".to_owned(), "requirements.txt".to_owned()];
        let found = Requirements::of(both.path(), Some(&given)).unwrap();
        assert_eq!((found.lines.len(), found.files.len(), found.text.as_str()), (1, 1, "bottle\ndjango\n"));
        assert!(Requirements::of(folder(&[]).path(), None).unwrap().is_empty());
        assert!(Requirements::of(both.path(), Some(&[])).unwrap().is_empty());
    }

    #[test]
    fn files_that_they_name_count_as_well() {
        let root =
            folder(&[("requirements.txt", "-r base.txt\n# x\n\nflask # y\n"), ("base.txt", "-c pins.txt\njinja2\n")]);
        fs::write(root.path().join("pins.txt"), "jinja2==3.1.6\n").unwrap();
        let found = Requirements::of(root.path(), None).unwrap();
        assert_eq!(found.text, "-r base.txt\n-c pins.txt\njinja2==3.1.6\njinja2\nflask\n");
        fs::write(root.path().join("pins.txt"), "-r requirements.txt").unwrap();
        assert!(Requirements::of(root.path(), None).unwrap_err().to_string().contains("without an end"));
    }

    #[test]
    fn packages_on_this_machine_are_refused() {
        for line in ["-e .", "./lib", "/opt/lib", "lib @ file:///opt/lib"] {
            let root = folder(&[("requirements.txt", line)]);
            let error = Requirements::of(root.path(), None).unwrap_err().to_string();
            assert!(error.starts_with(&format!("requirements.txt: `{line}` is a package on this machine")), "{error}");
        }
    }
}

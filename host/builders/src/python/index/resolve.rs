//! What pip says of a set of packages: which ones belong together, and which of them a guest can load.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use guesthouse_types::name::Digest;
use serde::Deserialize;
use serde::Serialize;

use crate::python::index::native::normalized;

/// A package that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// As its author writes it.
    pub name: String,
    /// Which one.
    pub version: String,
    /// How it is to be had.
    pub source: Source,
    /// The chosen ones that need it; none if the app's author named it.
    pub needed_by: Vec<String>,
    /// Where it came from, without passwords.
    pub url: String,
    /// What else tells one from another there: a commit.
    pub revision: String,
    /// The digest of the file, in hexadecimal digits; empty for a folder.
    pub sha256: String,
    /// The file, or the folder of a source, among those that pip kept.
    pub kept: PathBuf,
    /// What its author asked for, if that cannot run on the guest's Python and a newer one was taken: `==2.0.30`.
    #[serde(default)]
    pub raised_from: Option<String>,
}

/// How a package is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// As a wheel that every Python can load.
    Pure,
    /// As a wheel that is tagged for WASI (PEP 816).
    Wasi,
    /// As its source, which may turn out to be Python alone.
    Build,
    /// As its source, which was compiled for the guest.
    Compiled,
    /// Not at all: a guest does without.
    LeftOut,
    /// Not at all: something that can be imported is in its place.
    StoodIn,
    /// As native code only.
    Native,
}

/// What we need of pip's report ("Installation report", version 1), and what our own part of it adds.
#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    download_info: Download,
    kept: Option<Kept>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
    #[serde(default)]
    requires_dist: Vec<String>,
}

/// PEP 610.
#[derive(Deserialize)]
struct Download {
    url: String,
    vcs_info: Option<Vcs>,
    subdirectory: Option<String>,
}

#[derive(Deserialize)]
struct Vcs {
    commit_id: String,
}

/// What `pip_for_guest.py` kept.
#[derive(Deserialize)]
struct Kept {
    path: PathBuf,
    url: String,
}

/// Reads pip's report: the chosen packages by name. What was kept of them lies in the folder `files`.
pub fn read(report: &[u8], files: &Path) -> anyhow::Result<Vec<Chosen>> {
    let report: Report = serde_json::from_slice(report).context("pip wrote a report that cannot be read")?;
    let chosen = report.install.iter().map(|item| chosen(item, &report.install, files));
    let mut all = chosen.collect::<anyhow::Result<Vec<Chosen>>>()?;
    all.sort_by_key(|chosen| normalized(&chosen.name));
    Ok(all)
}

fn chosen(item: &Item, all: &[Item], files: &Path) -> anyhow::Result<Chosen> {
    let Metadata { name, version, .. } = &item.metadata;
    let Download { url, vcs_info, subdirectory } = &item.download_info;
    let mut chosen = Chosen {
        name: name.clone(),
        version: version.clone(),
        source: Source::Native,
        needed_by: needed_by(name, all),
        url: url.clone(),
        revision: vcs_info.as_ref().map(|vcs| vcs.commit_id.clone()).unwrap_or_default(),
        sha256: String::new(),
        kept: PathBuf::new(),
        raised_from: None,
    };
    if let Some(Kept { path, url }) = &item.kept {
        chosen.url.clone_from(url);
        let file = path.to_string_lossy();
        chosen.source = match (is_pure(&file), file.ends_with("_wasm32.whl")) {
            (true, _) => Source::Pure,
            (false, true) => Source::Wasi,
            (false, false) => Source::Build,
        };
        let file = files.join(path);
        chosen.kept = match subdirectory {
            Some(below) if file.is_dir() => path.join(below),
            _ => path.clone(),
        };
        if file.is_file() {
            let bytes = fs::read(&file).with_context(|| format!("cannot read what was fetched of `{name}`"))?;
            chosen.sha256 = Digest::of(&bytes).to_string();
        }
    }
    Ok(chosen)
}

/// Whether the name of a file is that of a wheel without native code, for some Python 3 (PEP 427).
pub fn is_pure(file: &str) -> bool {
    let Some(stem) = file.split(['#', '?']).next().and_then(|file| file.strip_suffix("-none-any.whl")) else {
        return false;
    };
    stem.rsplit('-')
        .next()
        .is_some_and(|python| python.split('.').any(|tag| tag.starts_with("py3") || tag.starts_with("cp3")))
}

fn needed_by(name: &str, all: &[Item]) -> Vec<String> {
    let name = normalized(name);
    // `Jinja2>=3.1; extra == "x"`: the name ends where it cannot go on.
    let is_it = |line: &String| {
        let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
        normalized(&line[..end]) == name && !line.contains("extra ==")
    };
    let needs = all.iter().filter(|item| item.metadata.requires_dist.iter().any(is_it));
    needs.map(|item| item.metadata.name.clone()).collect()
}

/// What our part of pip writes for an index that does not answer.
const NO_ANSWER: &str = "guesthouse: no answer: ";

/// Signs in pip's stderr that a place could not be reached at all.
const UNREACHED: [&str; 7] = [
    "Network is unreachable",
    "Temporary failure in name resolution",
    "Name or service not known",
    "NewConnectionError",
    "Failed to establish a new connection",
    "Connection refused",
    "Could not resolve host",
];

/// What git says of a repository that it cannot fetch, and pip leaves out of its conclusion.
const GIT: &str = "fatal: unable to access ";

/// What of pip's stderr tells why it could not go on: in one line, and an index that does not answer before anything that
/// pip concludes from it.
pub fn why(stderr: &str) -> String {
    if let Some(told) = stderr.lines().find_map(|line| line.trim().strip_prefix(NO_ANSWER)) {
        let (place, reason) = told.split_once(": ").unwrap_or((told, "no reason told"));
        return format!("no network, or an index that fails: `{place}` did not answer ({})", shortened(reason));
    }
    if let Some(told) = stderr.lines().find_map(|line| line.trim().strip_prefix(GIT)) {
        return format!("git cannot fetch {told}");
    }
    let errors: Vec<&str> = stderr.lines().filter_map(|line| line.trim().strip_prefix("ERROR: ")).collect();
    match errors.as_slice() {
        [] => stderr.trim().to_owned(),
        // The list of all versions that there are helps nobody.
        _ => errors
            .iter()
            .map(|line| line.split(" (from versions: ").next().unwrap_or(line))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// Whether pip failed because something did not answer, which may be there the next time.
pub fn is_unreached(stderr: &str) -> bool {
    stderr.contains(NO_ANSWER) || UNREACHED.iter().any(|sign| stderr.contains(sign))
}

/// What a library says of a connection, without the objects that it names.
fn shortened(reason: &str) -> &str {
    let known = UNREACHED.iter().filter(|sign| !sign.contains("Error") && !sign.starts_with("Failed"));
    known.copied().find(|sign| reason.contains(sign)).unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let report = include_bytes!("testdata/report.json");
        let files = tempfile::tempdir().unwrap();
        for (file, content) in [("1/flask-3.1.3-py3-none-any.whl", "flask"), ("3/markupsafe-3.0.4.tar.gz", "source")] {
            fs::create_dir_all(files.path().join(file).parent().unwrap()).unwrap();
            fs::write(files.path().join(file), content).unwrap();
        }
        fs::create_dir_all(files.path().join("4/source")).unwrap();
        let all = read(report, files.path()).unwrap();
        let told: Vec<(&str, &str, Source, &[String])> = all
            .iter()
            .map(|one| (one.name.as_str(), one.version.as_str(), one.source, one.needed_by.as_slice()))
            .collect();
        let by = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (flask, both) = (by(&["Flask"]), by(&["Flask", "Jinja2", "Werkzeug"]));
        let expected: &[(&str, &str, Source, &[String])] = &[
            ("blinker", "1.9.0", Source::Native, &flask),
            ("Flask", "3.1.3", Source::Pure, &[]),
            ("Jinja2", "3.1.6", Source::Native, &flask),
            ("MarkupSafe", "3.0.4", Source::Build, &both),
            ("shop-tools", "0.1", Source::Build, &[]),
            ("Werkzeug", "3.1.9", Source::Native, &flask),
        ];
        assert_eq!(told, expected);
        assert_eq!(all[1].sha256, Digest::of(b"flask").to_string());
        // It is the source that was kept, and not the wheel that was chosen.
        assert_eq!(all[3].url, "https://files.example/markupsafe-3.0.4.tar.gz");
        assert_eq!(all[4].revision, "0123456789abcdef0123456789abcdef01234567");
        assert_eq!(all[4].kept, Path::new("4/source/python"));
        assert!(read(b"{}", files.path()).is_err());
    }

    #[test]
    fn wheels_are_told_by_their_names() {
        for pure in ["x/flask-3.1.3-py3-none-any.whl", "six-1-py2.py3-none-any.whl#sha256=1", "a-1-cp39-none-any.whl"] {
            assert!(is_pure(pure), "{pure}");
        }
        for other in [
            "markupsafe-3.0.4.tar.gz",
            "markupsafe-3.0.4-cp314-cp314-manylinux_2_17_x86_64.whl",
            "old-1-py2-none-any.whl",
            "uv-1-py3-none-manylinux_2_17_x86_64.whl",
        ] {
            assert!(!is_pure(other), "{other}");
        }
    }

    #[test]
    fn pips_errors_are_shortened() {
        let stderr = "WARNING: x\nERROR: Could not find a version that satisfies the requirement flask>=99 (from versions: \
                      0.1, 0.2)\nERROR: No matching distribution found for flask>=99\n";
        let expected = "Could not find a version that satisfies the requirement flask>=99; No matching distribution found \
                        for flask>=99";
        assert_eq!(why(stderr), expected);
        assert_eq!(why("something else\n"), "something else");
        let git = "  fatal: unable to access 'https://x/y.git/': Could not resolve host: x\n  [end]\nERROR: Failed to build 'y'\n";
        assert_eq!(why(git), "git cannot fetch 'https://x/y.git/': Could not resolve host: x");
        assert!(is_unreached(git));
    }

    #[test]
    fn no_network_is_told_apart_from_no_such_package() {
        let none = "ERROR: Could not find a version that satisfies the requirement flask (from versions: none)\nERROR: No \
                    matching distribution found for flask\n";
        assert!(!is_unreached(none));
        let unreached = format!(
            "guesthouse: no answer: https://index.example/simple/flask/: connection error: HTTPSConnectionPool(host='x'): \
             Max retries exceeded (Caused by NewConnectionError(\"<x>: [Errno 111] Connection refused\"))\n{none}"
        );
        assert!(is_unreached(&unreached));
        let expected = "no network, or an index that fails: `https://index.example/simple/flask/` did not answer \
                        (Connection refused)";
        assert_eq!(why(&unreached), expected);
    }
}

//! What pip says of a set of packages: which ones belong together, and which of them a guest can load.

use anyhow::Context as _;
use serde::Deserialize;
use serde::Serialize;

use crate::build::python::native::normalized;

/// A package that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// As its author writes it.
    pub name: String,
    /// Which one.
    pub version: String,
    /// How it was to be had.
    pub source: Source,
    /// The chosen ones that need it; none if the app's author named it.
    pub needed_by: Vec<String>,
}

/// How a package is to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// As a wheel that every Python can load.
    Pure,
    /// As its source, which may turn out to be Python alone: what pip calls it, as in `markupsafe==3.0.4`.
    Build(String),
}

/// What we need of pip's report ("Installation report", version 1).
#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    download_info: Download,
    #[serde(default)]
    is_direct: bool,
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
}

#[derive(Deserialize)]
struct Vcs {
    vcs: String,
    commit_id: String,
}

/// Reads pip's report: the chosen packages by name.
pub fn read(report: &[u8]) -> anyhow::Result<Vec<Chosen>> {
    let report: Report = serde_json::from_slice(report).context("pip wrote a report that cannot be read")?;
    let chosen = |item: &Item| Chosen {
        name: item.metadata.name.clone(),
        version: item.metadata.version.clone(),
        source: source(item),
        needed_by: needed_by(&item.metadata.name, &report.install),
    };
    let mut all: Vec<Chosen> = report.install.iter().map(chosen).collect();
    all.sort_by_key(|chosen| normalized(&chosen.name));
    Ok(all)
}

fn source(item: &Item) -> Source {
    let Metadata { name, version, .. } = &item.metadata;
    let url = &item.download_info.url;
    match &item.download_info.vcs_info {
        Some(Vcs { vcs, commit_id }) => Source::Build(format!("{name} @ {vcs}+{url}@{commit_id}")),
        None if item.is_direct => Source::Build(format!("{name} @ {url}")),
        None if is_pure(url) => Source::Pure,
        None => Source::Build(format!("{name}=={version}")),
    }
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

/// What of pip's stderr tells why it could not resolve.
pub fn why(stderr: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let report = include_bytes!("testdata/report.json");
        let all = read(report).unwrap();
        let told: Vec<(&str, &str, &[String])> =
            all.iter().map(|one| (one.name.as_str(), one.version.as_str(), one.needed_by.as_slice())).collect();
        let by = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (flask, both) = (by(&["Flask"]), by(&["Flask", "Jinja2", "Werkzeug"]));
        let expected: &[(&str, &str, &[String])] = &[
            ("blinker", "1.9.0", &flask),
            ("Flask", "3.1.3", &[]),
            ("Jinja2", "3.1.6", &flask),
            ("MarkupSafe", "3.0.4", &both),
            ("shop-tools", "0.1", &[]),
            ("Werkzeug", "3.1.9", &flask),
        ];
        assert_eq!(told, expected);
        assert_eq!(all[1].source, Source::Pure);
        assert_eq!(all[3].source, Source::Build("MarkupSafe==3.0.4".to_owned()));
        let git = "shop-tools @ git+https://example.org/tools.git@0123456789abcdef0123456789abcdef01234567";
        assert_eq!(all[4].source, Source::Build(git.to_owned()));
        assert!(read(b"{}").is_err());
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
    }
}

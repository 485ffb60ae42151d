//! One package of a lock, as each tool writes it.

use anyhow::bail;
use toml::Table;
use toml::Value;

use crate::config::settings::FILE;
use crate::python::index::native::normalized;

/// A locked package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// As an index has it.
    pub name: String,
    /// Its version; none, if it lies elsewhere.
    pub version: String,
    /// Where it lies, if not in an index: what pip is given for it.
    pub at: Option<String>,
    /// Where it holds (PEP 508).
    pub marker: Option<String>,
    /// SHA-256 of each of its files, in hexadecimal digits.
    pub hashes: Vec<String>,
}

impl Locked {
    /// As a requirement.
    pub fn line(&self) -> String {
        let Locked { name, version, at, marker, .. } = self;
        let what = at.as_ref().map_or_else(|| format!("{name}=={version}"), |at| format!("{name} @ {at}"));
        marker.as_ref().map_or(what.clone(), |marker| format!("{what} ; {marker}"))
    }
}

/// One package; nothing for the project itself.
pub fn read(file: &str, table: &Table) -> anyhow::Result<Option<Locked>> {
    let text = |table: &Table, key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = normalized(&text(table, "name").unwrap_or_default());
    let version = text(table, "version").unwrap_or_default();
    let at = match file {
        "uv.lock" => {
            let source = table.get("source").and_then(Value::as_table).cloned().unwrap_or_default();
            if ["virtual", "editable"].iter().any(|key| text(&source, key).as_deref() == Some(".")) {
                return Ok(None);
            }
            if let Some(path) = ["virtual", "editable", "directory", "path"].iter().find_map(|key| text(&source, key)) {
                if is_inside(&path) {
                    return Ok(None);
                }
                bail!("{}", on_this_machine(file, &name, &path));
            }
            let git = text(&source, "git").map(|url| {
                let (url, commit) = url.split_once('#').map_or((url.as_str(), ""), |(url, commit)| (url, commit));
                git(url.split('?').next().unwrap_or(url), commit, None)
            });
            git.or_else(|| {
                let hash = hashes(table).into_iter().next().map(|hash| format!("#sha256={hash}"));
                Some(format!("{}{}", text(&source, "url")?, hash.unwrap_or_default()))
            })
        }
        "poetry.lock" => {
            let source = table.get("source").and_then(Value::as_table).cloned().unwrap_or_default();
            let url = text(&source, "url").unwrap_or_default();
            match text(&source, "type").as_deref() {
                Some("directory") if is_inside(&url) => return Ok(None),
                Some("file" | "directory") => bail!("{}", on_this_machine(file, &name, &url)),
                Some("git") => {
                    let commit = text(&source, "resolved_reference").unwrap_or_default();
                    Some(git(&url, &commit, text(&source, "subdirectory").as_deref()))
                }
                Some("url") => Some(url),
                _ => None,
            }
        }
        "pdm.lock" => {
            if let Some(path) = text(table, "path") {
                if is_inside(&path) {
                    return Ok(None);
                }
                bail!("{}", on_this_machine(file, &name, &path));
            }
            let of_git = text(table, "git").map(|url| {
                let commit = text(table, "revision").unwrap_or_default();
                git(&url, &commit, text(table, "subdirectory").as_deref())
            });
            of_git.or_else(|| text(table, "url"))
        }
        _ => {
            if let Some(folder) = table.get("directory").and_then(Value::as_table) {
                let path = text(folder, "path").unwrap_or_default();
                if path == "." || is_inside(&path) {
                    return Ok(None);
                }
                bail!("{}", on_this_machine(file, &name, &path));
            }
            let vcs = table.get("vcs").and_then(Value::as_table).map(|vcs| {
                let commit = text(vcs, "commit-id").unwrap_or_default();
                git(&text(vcs, "url").unwrap_or_default(), &commit, text(vcs, "subdirectory").as_deref())
            });
            let archive = table.get("archive").and_then(Value::as_table).map(|archive| {
                let hash = archive.get("hashes").and_then(Value::as_table).and_then(|hashes| text(hashes, "sha256"));
                format!("{}#sha256={}", text(archive, "url").unwrap_or_default(), hash.unwrap_or_default())
            });
            vcs.or(archive)
        }
    };
    if name.is_empty() || (version.is_empty() && at.is_none()) {
        bail!("{file}: a package without a name or a version");
    }
    let forks = table.get("resolution-markers").and_then(Value::as_array).map(|markers| {
        markers.iter().filter_map(Value::as_str).map(|marker| format!("({marker})")).collect::<Vec<_>>().join(" or ")
    });
    let marker = if matches!(file, "pylock.toml" | "pdm.lock") {
        text(table, "marker")
    } else {
        forks.filter(|forks| !forks.is_empty())
    };
    Ok(Some(Locked { name, version, at, marker, hashes: hashes(table) }))
}

fn git(url: &str, commit: &str, subdirectory: Option<&str>) -> String {
    let below = subdirectory.map(|below| format!("#subdirectory={below}")).unwrap_or_default();
    format!("git+{url}@{commit}{below}")
}

/// Every SHA-256 in a package's table: `hash = "sha256:…"` of uv and Poetry, `hashes = { sha256 = "…" }` of PEP 751.
pub fn hashes(table: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["sdist", "wheels", "files"] {
        let files = match table.get(key) {
            Some(Value::Array(files)) => files.iter().filter_map(Value::as_table).collect(),
            Some(Value::Table(file)) => vec![file],
            _ => Vec::new(),
        };
        for file in files {
            let one = file.get("hash").and_then(Value::as_str).and_then(|hash| hash.strip_prefix("sha256:"));
            let many = file.get("hashes").and_then(|hashes| hashes.get("sha256")).and_then(Value::as_str);
            found.extend(one.or(many).map(str::to_ascii_lowercase));
        }
    }
    found
}

/// Whether a folder is one of the source's own, which is installed with the project.
fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| part != "..")
}

fn on_this_machine(file: &str, name: &str, path: &str) -> String {
    format!(
        "{file}: `{name}` is a package on this machine, at `{path}`, and a build reads the app's folder alone: put it into that, \
         or name a release of it in {FILE}, among all that is needed, as `[build]` `requirements = [\"{name}\"]`"
    )
}

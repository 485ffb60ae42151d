//! What pip is told on this machine, by `PIP_*` and its configuration files: what says where packages come from counts, and
//! nothing that would lead pip elsewhere than we do.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::Digest;
use tokio::process::Command;

use crate::python::toolchain::environment::as_the_author;
use crate::run::output;

static SCRIPT: &str = include_str!("pip_settings.py");

/// How an index is reached.
const WAYS: [&str; 10] = [
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "keyring-provider",
    "no-cache-dir",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
];
/// Where packages are looked for.
const PLACES: [&str; 4] = ["extra-index-url", "find-links", "index-url", "no-index"];
/// Which of them may be taken.
const CHOICE: [&str; 9] = [
    "all-releases",
    "constraint",
    "no-binary",
    "only-binary",
    "only-final",
    "pre",
    "prefer-binary",
    "require-hashes",
    "uploaded-prior-to",
];
/// Those that name files and folders of this machine.
const PATHS: [&str; 2] = ["constraint", "find-links"];

/// What pip is told, by the names of its options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipSettings(BTreeMap<String, String>);

impl PipSettings {
    /// Asks the pip of `python`.
    pub async fn read(python: &Path) -> anyhow::Result<PipSettings> {
        let asked = output(as_the_author(python).args(["-I", "-c", SCRIPT])).await.context("cannot start Python")?;
        if !asked.status.success() {
            let said = String::from_utf8_lossy(&asked.stderr);
            bail!("pip's settings on this machine cannot be read: {}", said.trim().lines().last().unwrap_or_default());
        }
        let mut said: BTreeMap<String, String> =
            serde_json::from_slice(&asked.stdout).context("pip's settings on this machine cannot be read")?;
        // pip runs in the app's folder, and they are about the one where the build was begun.
        for path in PATHS {
            if let Some(value) = said.get_mut(path) {
                let words: Vec<String> = value.split_whitespace().map(absolute).collect();
                *value = words.join("\n");
            }
        }
        Ok(PipSettings(said))
    }

    /// Has `pip` choose as its user wants it.
    pub fn choose(&self, pip: &mut Command) {
        self.give(pip, &WAYS);
        self.give(pip, &PLACES);
        self.give(pip, &CHOICE);
    }

    /// Has `pip` look where its user wants it to.
    pub fn look(&self, pip: &mut Command) {
        self.give(pip, &WAYS);
        self.give(pip, &PLACES);
    }

    /// Has `pip` reach what it is told to by others.
    pub fn reach(&self, pip: &mut Command) {
        self.give(pip, &WAYS);
    }

    fn give(&self, pip: &mut Command, names: &[&str]) {
        let given = self.0.iter().filter(|(name, _)| names.contains(&name.as_str()));
        pip.envs(given.map(|(name, value)| (format!("PIP_{}", name.to_uppercase().replace('-', "_")), value)));
    }
}

/// All of it that the choice of packages depends on, without a call of pip: another index, or another file in a folder of
/// wheels, is another text. It may hold passwords.
pub fn fingerprint() -> String {
    let mut text = String::new();
    for (name, value) in env::vars().collect::<BTreeMap<_, _>>() {
        let Some(option) = name.strip_prefix("PIP_").map(option) else { continue };
        if PLACES.contains(&option.as_str()) || CHOICE.contains(&option.as_str()) {
            text.push_str(&format!("{option}={value}\n"));
            text.push_str(&behind(&option, &value));
        }
    }
    for file in files() {
        let Ok(said) = fs::read_to_string(&file) else { continue };
        text.push_str(&said);
        let mut option = String::new();
        for line in said.lines() {
            let mut value = line;
            if !line.starts_with([' ', '\t'])
                && let Some((name, rest)) = line.split_once(['=', ':'])
            {
                option = self::option(name.trim());
                value = rest;
            }
            text.push_str(&behind(&option, value));
        }
    }
    text
}

/// What the paths in `value` lead to.
fn behind(option: &str, value: &str) -> String {
    if !PATHS.contains(&option) {
        return String::new();
    }
    value.split_whitespace().map(|word| contents(Path::new(&absolute(word)))).collect()
}

/// What is at `path`: a file's digest, or the files in a folder.
pub fn contents(path: &Path) -> String {
    if path.is_file() {
        return fs::read(path).map_or(String::new(), |bytes| format!("{}\n", Digest::of(&bytes)));
    }
    let mut lines = Vec::new();
    for entry in path.read_dir().into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let modified =
            metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        lines.push(format!("{} {} {modified:?}\n", entry.file_name().display(), metadata.len()));
    }
    lines.sort();
    lines.concat()
}

fn option(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// A path from here; an address as it is.
fn absolute(word: &str) -> String {
    let path = word.strip_prefix("file://").unwrap_or(word);
    match path.contains("://") || Path::new(path).is_absolute() {
        true => path.to_owned(),
        false => env::current_dir().unwrap_or_default().join(path).to_string_lossy().into_owned(),
    }
}

/// Where pip looks for configuration, on Linux and on macOS.
fn files() -> Vec<PathBuf> {
    let path = |name: &str| env::var_os(name).map(PathBuf::from);
    let mut found = vec![PathBuf::from("/etc/pip.conf")];
    let folders = env::var("XDG_CONFIG_DIRS").unwrap_or_else(|_| "/etc/xdg".to_owned());
    found.extend(folders.split(':').map(|folder| Path::new(folder).join("pip/pip.conf")));
    found.push("/Library/Application Support/pip/pip.conf".into());
    if let Some(home) = path("HOME") {
        found.push(home.join(".pip/pip.conf"));
        found.push(path("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("pip/pip.conf"));
        found.push(home.join("Library/Application Support/pip/pip.conf"));
    }
    found.extend(path("PIP_CONFIG_FILE"));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_folder_of_wheels_counts() {
        let folder = tempfile::tempdir().unwrap();
        let value = folder.path().to_string_lossy().into_owned();
        let before = behind("find-links", &value);
        fs::write(folder.path().join("x-1.0-py3-none-any.whl"), "1").unwrap();
        let after = behind("find-links", &value);
        assert_ne!(before, after);
        assert_eq!(behind("index-url", &value), "");
        let file = folder.path().join("x-1.0-py3-none-any.whl");
        assert_eq!(contents(&file), format!("{}\n", Digest::of(b"1")));
        assert_eq!(absolute("https://index.example/simple"), "https://index.example/simple");
        assert!(Path::new(&absolute("wheels")).is_absolute());
    }

    #[test]
    fn pip_is_told_where_to_look_and_not_where_to_write() {
        let said =
            [("index-url", "A"), ("target", "/x"), ("user", "1"), ("cert", "c"), ("constraint", "/c"), ("pre", "1")];
        let settings = PipSettings(said.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let told = |give: fn(&PipSettings, &mut Command)| {
            let mut command = Command::new("pip");
            give(&settings, &mut command);
            let names = command.as_std().get_envs().map(|(name, _)| name.to_string_lossy().into_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(told(PipSettings::choose), ["PIP_CERT", "PIP_CONSTRAINT", "PIP_INDEX_URL", "PIP_PRE"]);
        assert_eq!(told(PipSettings::look), ["PIP_CERT", "PIP_INDEX_URL"]);
        assert_eq!(told(PipSettings::reach), ["PIP_CERT"]);
    }
}

//! CPython 3.14's headers, for packages in C: those of a Python 3.14 on this machine, with the guest's own configuration.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use guesthouse_types::name::Digest;

use crate::python::toolchain::environment::with_network;
use crate::python::toolchain::tools::guest;
use crate::python::wheels::given::Failed;
use crate::python::wheels::shop::Workshop;
use crate::run::output;

/// Another place for them: the folder with `Python.h`.
const VARIABLE: &str = "GUESTHOUSE_PYTHON_INCLUDE";
/// What to type where there are none.
const MISSING: &str = "compiling C needs the headers of CPython 3.14, and there are none on this machine: \
                       `uv python install 3.14`, `pyenv install 3.14`, `brew install python@3.14` or \
                       `apt-get install libpython3.14-dev` (Debian 14, Ubuntu 26.04) brings them; \
                       $GUESTHOUSE_PYTHON_INCLUDE may name the folder that `Python.h` lies in";

/// A folder of the cache with the headers as the guest's Python was built with.
pub async fn of_guest(shop: &Workshop<'_>) -> Result<PathBuf, Failed> {
    let Some(found) = find().await else { return Err(Failed::Refused(MISSING.to_owned())) };
    let level = fs::read(found.join("patchlevel.h")).context("cannot read CPython's headers")?;
    let all = format!("{}\n{}\n{}", found.display(), Digest::of(&level), guest());
    let name = format!("python-3.14-{}", Digest::of(all.as_bytes()).short());
    let made = shop.cache.made("headers", &name, async |draft| shop.tools.headers(&found, draft).await).await?;
    Ok(made.join("include"))
}

async fn find() -> Option<PathBuf> {
    if let Some(given) = env::var_os(VARIABLE) {
        return Some(PathBuf::from(given)).filter(|folder| is_3_14(folder));
    }
    places().into_iter().find(|folder| is_3_14(folder)).or(asked().await)
}

/// Where they usually lie.
fn places() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["/usr", "/usr/local", "/opt/homebrew"].map(|top| Path::new(top).join("include/python3.14")).into();
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = env::var_os("PYENV_ROOT").map_or(home.join(".pyenv"), PathBuf::from);
    for folder in [pyenv.join("versions"), home.join(".local/share/uv/python")] {
        let versions = folder.read_dir().into_iter().flatten().flatten();
        let is_it = |name: &str| name.starts_with("3.14") || name.starts_with("cpython-3.14");
        let named = versions.filter(|entry| entry.file_name().to_str().is_some_and(is_it));
        found.extend(named.map(|entry| entry.path().join("include/python3.14")));
    }
    found
}

/// What a `python3.14` on the `PATH` says.
async fn asked() -> Option<PathBuf> {
    let mut python = with_network(Path::new("python3.14"));
    python.args(["-I", "-c", "import sysconfig; print(sysconfig.get_path('include'))"]);
    let said = output(&mut python).await.ok()?;
    let folder = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
    is_3_14(&folder).then_some(folder)
}

fn is_3_14(folder: &Path) -> bool {
    let level = fs::read_to_string(folder.join("patchlevel.h")).unwrap_or_default();
    let says = |line: &str| level.lines().any(|one| one.split_whitespace().eq(line.split_whitespace()));
    folder.join("Python.h").is_file() && says("#define PY_MAJOR_VERSION 3") && says("#define PY_MINOR_VERSION 14")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_another_python_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let level =
            |minor: u32| format!("#define PY_MAJOR_VERSION        3\n#define PY_MINOR_VERSION        {minor}\n");
        fs::write(folder.path().join("patchlevel.h"), level(14)).unwrap();
        assert!(!is_3_14(folder.path()), "without Python.h");
        fs::write(folder.path().join("Python.h"), "").unwrap();
        assert!(is_3_14(folder.path()));
        fs::write(folder.path().join("patchlevel.h"), level(13)).unwrap();
        assert!(!is_3_14(folder.path()));
    }
}

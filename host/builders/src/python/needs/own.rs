//! Projects of the author's own that lie in the source: which folder is meant, and what each needs.

use std::path::Path;

use crate::python::needs::pyproject::Pyproject;
use crate::python::needs::setup::Setup;

/// What a project of the author's own needs.
pub fn requirements(folder: &Path) -> anyhow::Result<Vec<String>> {
    let of_project = Pyproject::read(folder)?.map(|project| project.dependencies).unwrap_or_default();
    if !of_project.is_empty() {
        return Ok(of_project);
    }
    Ok(Setup::read(folder).map(|setup| setup.requires).unwrap_or_default())
}

/// The folder of the source that is meant by `path` in the file `file`, relative to the source; nothing, if it lies elsewhere.
/// pip looks where it is run.
pub fn inside(folder: &Path, file: &Path, path: &str) -> Option<String> {
    let beside = file.parent().unwrap_or(Path::new(""));
    let real = folder.canonicalize().ok()?;
    [Path::new("").join(path), beside.join(path)].iter().find_map(|below| {
        let at = folder.join(below).canonicalize().ok().filter(|at| at.is_dir())?;
        let relative = at.strip_prefix(&real).ok()?.to_string_lossy().into_owned();
        Some(if relative.is_empty() { ".".to_owned() } else { relative })
    })
}

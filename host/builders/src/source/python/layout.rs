//! How a project in Python is laid out: which folders modules are looked for in, and which hold no app.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use toml::Table;
use toml::Value;

/// Files that make a folder a project in Python.
const MARKS: [&str; 6] = ["requirements.txt", "setup.py", "Pipfile", "Pipfile.lock", "pylock.toml", "manage.py"];

/// Folders that hold something else than the app.
const OTHERS: [&str; 24] = [
    "ansible",
    "bench",
    "benchmarks",
    "bin",
    "build",
    "contrib",
    "demos",
    "dist",
    "docs",
    "doc",
    "e2e-tests",
    "env",
    "examples",
    "frontend",
    "infra",
    "migrations",
    "node_modules",
    "scripts",
    "static",
    "target",
    "templates",
    "test",
    "tests",
    "venv",
];

/// Whether what lies in `folder` is one project in Python, rather than several or something else.
pub fn is_project(folder: &Path) -> bool {
    MARKS.iter().any(|file| folder.join(file).is_file()) || folder.join("requirements").is_dir() || has_project(folder)
}

/// Whether its pyproject.toml, or a setup.py, describes a package.
pub fn has_project(folder: &Path) -> bool {
    if folder.join("setup.py").is_file() {
        return true;
    }
    let table = pyproject(folder);
    let has_poetry =
        table.get("tool").and_then(|tool| tool.get("poetry")).is_some_and(|poetry| poetry.get("name").is_some());
    table.contains_key("project") || has_poetry
}

/// The pyproject.toml in `folder`; an empty one, if it cannot be read, which others say.
pub fn pyproject(folder: &Path) -> Table {
    fs::read_to_string(folder.join("pyproject.toml")).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The folders below `folder`, besides itself, from which modules are imported by their whole name: `src`, and what the
/// project's build back end is told.
pub fn roots(folder: &Path) -> Vec<String> {
    let table = pyproject(folder);
    let text = |path: &[&str]| {
        let value = path.iter().try_fold(&Value::Table(table.clone()), |value, key| value.get(key)).cloned();
        value.and_then(|value| value.as_str().map(str::to_owned))
    };
    let list = |path: &[&str]| {
        let mut value = Some(Value::Table(table.clone()));
        for key in path {
            value = value.and_then(|value| value.get(key).cloned());
        }
        value.and_then(|value| value.as_array().cloned()).unwrap_or_default()
    };
    let mut found: Vec<String> = Vec::new();
    found.extend(text(&["tool", "setuptools", "package-dir", ""]));
    let places = list(&["tool", "setuptools", "packages", "find", "where"]);
    found.extend(places.iter().filter_map(Value::as_str).map(str::to_owned));
    let packages = list(&["tool", "poetry", "packages"]);
    found.extend(packages.iter().filter_map(|package| package.get("from")?.as_str().map(str::to_owned)));
    found.extend(text(&["tool", "pdm", "build", "package-dir"]));
    found.extend(text(&["tool", "uv", "build-backend", "module-root"]));
    // `src` with modules in it, and not itself a package.
    found.push("src".to_owned());
    let mut roots: Vec<String> = Vec::new();
    for root in found {
        let root = root.trim_start_matches("./").trim_end_matches('/').to_owned();
        let is_inside = !root.is_empty() && !root.starts_with('/') && root.split('/').all(|part| part != "..");
        let path = folder.join(&root);
        if is_inside
            && !roots.contains(&root)
            && path.is_dir()
            && !path.join("__init__.py").is_file()
            && holds_modules(&path)
        {
            roots.push(root);
        }
    }
    roots
}

/// Where `module` is, looked for in `home` first: the folder that it is imported from, and its file.
pub fn find_module(folder: &Path, home: &str, roots: &[String], module: &str) -> Option<(String, PathBuf)> {
    let places = [home].into_iter().chain(roots.iter().map(String::as_str)).chain([""]);
    let mut places = places.filter_map(|place| Some((place, file_of(&folder.join(place), module)?)));
    // A root stays on the path in any case: the app is started where it was said to be.
    places
        .next()
        .map(|(place, file)| (if roots.iter().any(|root| root == place) { home } else { place }.to_owned(), file))
}

/// The file of a module, looked for in one folder. A package comes before a file of the same name, as for an import.
pub fn file_of(folder: &Path, module: &str) -> Option<PathBuf> {
    let path = folder.join(module.replace('.', "/"));
    let files = [path.join("__init__.py"), path.with_extension("py")];
    files.into_iter().find(|file| file.is_file())
}

/// The folders in `folder` that may hold the app, by name and in order.
pub fn folders(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            !name.starts_with(['.', '_', '{']) && !OTHERS.contains(&name.as_str()) && !name.ends_with(".egg-info")
        })
        .filter(|name| !folder.join(name).join("pyvenv.cfg").is_file())
        .collect();
    names.sort();
    names
}

/// The names of the Python files in `folder`, in order.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".py")).collect();
    names.sort();
    names
}

fn holds_modules(folder: &Path) -> bool {
    !files(folder).is_empty() || folders(folder).iter().any(|name| !files(&folder.join(name)).is_empty())
}

//! Where nothing says where the app begins: files and packages that are called like those of apps, and what is in them.

use std::fs;
use std::path::Path;

use crate::source::python::callables;
use crate::source::python::callables::Place;
use crate::source::python::candidate::Found;
use crate::source::python::classes;
use crate::source::python::layout;
use crate::source::python::modules;

/// The files that may hold the callable, in the order in which they are looked into.
pub const FILES: [&str; 10] = [
    "app.py",
    "main.py",
    "wsgi.py",
    "application.py",
    "asgi.py",
    "server.py",
    "run.py",
    "api.py",
    "index.py",
    "autoapp.py",
];
/// The modules of a package, likewise. First those that servers are pointed at.
const MODULES: [&str; 8] =
    ["__init__.py", "wsgi.py", "asgi.py", "app.py", "application.py", "main.py", "server.py", "api.py"];
/// Files at the root that are programs for the author.
const PROGRAMS: [&str; 8] =
    ["conftest.py", "fabfile.py", "gunicorn.conf.py", "manage.py", "noxfile.py", "setup.py", "tasks.py", "tests.py"];
/// A project has few of them. More is no project.
const FILES_MAX: usize = 200;

/// The apps in the files of `folder` itself, by name.
pub fn in_files(folder: &Path) -> Vec<Found> {
    in_files_of(folder, "", &FILES)
}

/// The apps in any other file there, in packages, and in folders below. The project is called `name`.
pub fn in_packages(folder: &Path, roots: &[String], name: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let own = layout::files(folder);
    let others = own.iter().filter(|file| !FILES.contains(&file.as_str()) && !PROGRAMS.contains(&file.as_str()));
    found.extend(others.take(FILES_MAX).filter_map(|file| in_file(folder, "", file, Place::Any)));
    for root in roots {
        found.extend(in_files_of(folder, root, &FILES));
    }
    for root in [""].into_iter().chain(roots.iter().map(String::as_str)) {
        let mut packages = layout::folders(&folder.join(root));
        packages.retain(|package| !roots.contains(package));
        packages.sort_by_key(|package| (!is_called(package, name), package.clone()));
        for package in packages.iter().take(FILES_MAX) {
            found.extend(in_package(folder, root, package));
        }
    }
    if found.is_empty() {
        found.extend(deep(folder, roots));
    }
    // A root is on the path, and no place to start in.
    found.iter_mut().filter(|one| roots.contains(&one.home)).for_each(|one| one.home.clear());
    found
}

/// The apps in the files `names` of one folder of the source.
fn in_files_of(folder: &Path, home: &str, names: &[&str]) -> Vec<Found> {
    let at = folder.join(home);
    // A package of the same name comes first when it is imported.
    let files = names.iter().filter(|file| !at.join(file.trim_end_matches(".py")).join("__init__.py").is_file());
    files.filter_map(|file| in_file(folder, home, file, Place::Known)).collect()
}

fn in_package(folder: &Path, root: &str, package: &str) -> Vec<Found> {
    let path = if root.is_empty() { package.to_owned() } else { format!("{root}/{package}") };
    let at = folder.join(&path);
    if !at.join("__init__.py").is_file() && imports_siblings(&at) {
        return in_files_of(folder, &path, &FILES);
    }
    // `backend/app/main.py`: the package is one folder further down.
    if !at.join("__init__.py").is_file() && layout::files(&at).is_empty() {
        let below = layout::folders(&at).into_iter().filter(|name| at.join(name).join("__init__.py").is_file());
        return below.flat_map(|name| of_modules(folder, &path, &name)).collect();
    }
    of_modules(folder, root, package)
}

fn of_modules(folder: &Path, root: &str, package: &str) -> Vec<Found> {
    let at = folder.join(root).join(package);
    let found = MODULES.iter().filter_map(|file| {
        let is_known = matches!(*file, "wsgi.py" | "asgi.py" | "app.py" | "main.py" | "application.py");
        let text = fs::read_to_string(at.join(file)).ok()?;
        let callable = callables::find(&text, if is_known { Place::Known } else { Place::Any });
        let of_class = || classes::find(&text).into_iter().find(|class| class.needed.is_empty());
        let callable = callable.or_else(|| of_class().map(|class| class.expression()))?;
        let module = match file.trim_end_matches(".py") {
            "__init__" => package.to_owned(),
            module => format!("{package}.{module}"),
        };
        let shown = at.strip_prefix(folder).unwrap_or(&at).join(file);
        Some(Found {
            said_by: format!("`{callable}` in {}", shown.display()),
            app: format!("{module}:{callable}"),
            home: root.to_owned(),
            file: at.join(file),
        })
    });
    found.collect()
}

/// The one app that is made anywhere in the packages; nothing, if there are several among which nobody chooses.
fn deep(folder: &Path, roots: &[String]) -> Option<Found> {
    let mut found = modules::in_packages(folder, roots).into_iter().filter_map(|module| {
        let path = folder.join(&module.file);
        let callable = callables::find(&fs::read_to_string(&path).ok()?, Place::Any)?;
        Some(Found {
            app: format!("{}:{callable}", module.name),
            home: String::new(),
            said_by: format!("`{callable}` in {}", module.file.display()),
            file: path,
        })
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn in_file(folder: &Path, home: &str, file: &str, place: Place) -> Option<Found> {
    let path = folder.join(home).join(file);
    let callable = callables::find(&fs::read_to_string(&path).ok()?, place)?;
    let shown = Path::new(home).join(file);
    Some(Found {
        app: format!("{}:{callable}", file.trim_end_matches(".py")),
        home: home.to_owned(),
        said_by: format!("`{callable}` in {}", shown.display()),
        file: path,
    })
}

/// Whether the files of a folder import each other by their own names, as programs do and modules of a package do not.
fn imports_siblings(folder: &Path) -> bool {
    let (files, folders) = (layout::files(folder), layout::folders(folder));
    let names: Vec<&str> =
        files.iter().map(|file| file.trim_end_matches(".py")).chain(folders.iter().map(String::as_str)).collect();
    FILES.iter().filter_map(|file| fs::read_to_string(folder.join(file)).ok()).any(|text| {
        let rests = text.lines().filter_map(|line| line.strip_prefix("from ").or(line.strip_prefix("import ")));
        let mut modules = rests.filter_map(|rest| rest.split([' ', '.', ',']).next());
        modules.any(|module| names.contains(&module))
    })
}

/// Whether a package is the one that a project of this name is about: `my-shop` and `my_shop`.
fn is_called(package: &str, name: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '.'], "_");
    !name.is_empty() && plain(package) == plain(name)
}

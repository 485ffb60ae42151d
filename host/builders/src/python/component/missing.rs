//! A module that is not there, and what to do about it: never an advice that would fetch somebody else's package.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::config::settings::FILE;
use crate::python::install::outdated;

/// Packages that are called otherwise than the module that is imported.
const PACKAGES: &[(&str, &str)] = &[
    ("Crypto", "pycryptodome"),
    ("PIL", "pillow"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("corsheaders", "django-cors-headers"),
    ("dateutil", "python-dateutil"),
    ("decouple", "python-decouple"),
    ("dotenv", "python-dotenv"),
    ("environ", "django-environ"),
    ("git", "GitPython"),
    ("jose", "python-jose"),
    ("jwt", "PyJWT"),
    ("multipart", "python-multipart"),
    ("rest_framework", "djangorestframework"),
    ("slugify", "python-slugify"),
    ("yaml", "PyYAML"),
];

/// Modules of Python itself, of today or of before, that no guest has. Packages of these names are not they.
const OF_PYTHON: &[&str] = &[
    "_bz2",
    "_ctypes",
    "_curses",
    "_lzma",
    "_posixsubprocess",
    "_ssl",
    "_tkinter",
    "_uuid",
    "_winapi",
    "bz2",
    "ctypes",
    "curses",
    "ensurepip",
    "fcntl",
    "grp",
    "idlelib",
    "lzma",
    "mmap",
    "msvcrt",
    "pty",
    "pwd",
    "readline",
    "resource",
    "ssl",
    "syslog",
    "termios",
    "tkinter",
    "tty",
    "turtle",
    "venv",
    "winreg",
    "winsound",
];

/// How deep it is looked for in the project.
const DEPTH_MAX: usize = 4;

/// What to do about `module`, which an app in `folder` imports.
pub fn advice(module: &str, folder: &Path) -> String {
    let first = module.split('.').next().unwrap_or(module);
    if let Some(own) = own(first, folder) {
        return format!(
            "it is the project's own, at `{}`, and modules are looked for in the app's folder itself: import it by its whole name \
             from there, or build the folder that it lies in (with a {FILE} of its own)",
            own.display()
        );
    }
    if let Some(version) = outdated::removed_in(first) {
        return format!(
            "`{first}` went out of Python's standard library with {version}, and a guest has Python 3.14: what imports it is written \
             for an older one"
        );
    }
    if first == "pkg_resources" {
        return "`pkg_resources` was a part of setuptools, and is none since release 82: `setuptools<82` in the requirements has it, or a \
                newer release of what imports it goes without"
            .to_owned();
    }
    if OF_PYTHON.contains(&first) {
        return format!("`{first}` is or was part of Python's standard library, and guests do not have it");
    }
    match PACKAGES.iter().find(|(module, _)| *module == first) {
        Some((_, package)) => {
            format!("add `{package}` to requirements.txt, or to `[build] requirements` in {FILE}")
        }
        None => format!(
            "add the package that provides it to requirements.txt, or to `[build] requirements` in {FILE}; look it up first: its \
             name may differ from the module's"
        ),
    }
}

/// Where the project has a module or a package of this name, or is called so.
fn own(module: &str, folder: &Path) -> Option<PathBuf> {
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((at, depth)) = folders.pop() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(&at).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_dir = path.is_dir();
            let is_it = name == module && is_dir || name.strip_suffix(".py") == Some(module);
            if is_it {
                return path.strip_prefix(folder).ok().map(Path::to_owned);
            }
            // Packages of others lie in environments.
            let is_looked_into = is_dir && !path.is_symlink() && !name.starts_with('.') && name != "node_modules";
            if is_looked_into && depth + 1 < DEPTH_MAX && !path.join("pyvenv.cfg").is_file() {
                folders.push((path, depth + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_advice_names_what_lies_in_the_project_or_in_python() {
        let root = tempfile::tempdir().unwrap();
        for file in ["src/myshop/__init__.py", "lib/till.py", "env/lib/flask/__init__.py", "env/pyvenv.cfg"] {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        for (module, expected) in [
            ("myshop.pages", "it is the project's own, at `src/myshop`, and modules are looked for"),
            ("till", "it is the project's own, at `lib/till.py`"),
            ("fcntl", "`fcntl` is or was part of Python's standard library"),
            ("distutils.version", "`distutils` went out of Python's standard library with 3.12"),
            ("pkg_resources", "`pkg_resources` was a part of setuptools"),
            ("yaml", "add `PyYAML` to requirements.txt, or to `[build] requirements` in guesthouse.toml"),
            ("flask", "add the package that provides it to requirements.txt, or to `[build] requirements`"),
        ] {
            let told = advice(module, root.path());
            assert!(told.starts_with(expected), "{told}");
        }
    }

    #[test]
    fn the_tables_are_in_order() {
        assert!(PACKAGES.is_sorted() && OF_PYTHON.is_sorted());
    }
}

//! What a project of Django's needs beyond the code: a place for its SQLite file, told from its settings.

use std::fs;
use std::path::Path;

use toml::Table;
use toml::Value;

use crate::builders::asks::Asks;
use crate::builders::python::entry::settings_module;
use crate::builders::words::Words;

/// What a project needs that keeps its database where `startproject` puts it: in a file beside `manage.py`.
pub struct Database {
    /// The state folder, seen where the project lies in the guest.
    pub asks: Asks,
    /// What makes its tables.
    pub prepare: Words,
}

/// The database of the project in `folder`, if its settings name SQLite.
pub fn database(folder: &Path) -> Option<Database> {
    let is_sqlite = |text: &String| {
        text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("django.db.backends.sqlite3"))
    };
    settings(folder)?.iter().any(is_sqlite).then(|| {
        let mounts = Value::Array(vec![Value::String("/0".to_owned())]);
        Database {
            asks: Asks::of([("state", Table::from_iter([("mounts".to_owned(), mounts)]))]),
            prepare: Words(["manage.py", "migrate", "--noinput"].map(str::to_owned).to_vec()),
        }
    })
}

/// What gathers the static files of the project in `folder` into one place, if its settings name that place: a web server
/// or a library such as WhiteNoise takes them from there. It may fail: what it needs may only be there when the app runs.
pub fn collects(folder: &Path) -> Option<Words> {
    let collect = ["-manage.py", "collectstatic", "--noinput"];
    settings(folder)?
        .iter()
        .any(|text| text.lines().any(|line| line.starts_with("STATIC_ROOT")))
        .then(|| Words(collect.map(str::to_owned).to_vec()))
}

/// The texts of the settings: they may be a package, with one module for each place where the project runs.
fn settings(folder: &Path) -> Option<Vec<String>> {
    let path = folder.join(settings_module(folder)?.replace('.', "/"));
    let mut files = vec![path.with_extension("py")];
    files.extend(path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()));
    Some(files.into_iter().filter_map(|file| fs::read_to_string(file).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_project_with_sqlite_needs_a_place_for_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("shop")).unwrap();
        fs::write(root.path().join("manage.py"), "setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')").unwrap();
        let with = |settings: &str| {
            fs::write(root.path().join("shop/settings.py"), settings).unwrap();
            database(root.path()).map(|database| database.asks.text())
        };
        let sqlite = "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}";
        assert_eq!(with(sqlite).as_deref(), Some("[state]\nmounts = [\"/0\"]\n"));
        assert!(collects(root.path()).is_none());
        assert_eq!(with("# 'django.db.backends.sqlite3'"), None);
        fs::write(root.path().join("shop/settings.py"), "STATIC_ROOT = 'collected'").unwrap();
        assert_eq!(collects(root.path()).unwrap().to_string(), "-manage.py collectstatic --noinput");
        assert_eq!(with("'django.db.backends.postgresql'"), None);
        fs::remove_file(root.path().join("manage.py")).unwrap();
        assert_eq!(with(sqlite), None);
    }
}

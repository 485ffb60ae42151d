//! What a project of Django's needs beyond the code: a place for its SQLite file, told from its settings.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::arguments::Arguments;
use crate::config::embedded::EmbeddedConfig;
use crate::python::component::beside;
use crate::source::python::code::top_level;
use crate::source::python::django::settings_of_app;
use crate::source::python::django::settings_sources;

/// What a project needs that keeps its database where `startproject` puts it: in a file beside `manage.py`.
pub struct Database {
    /// The state folder, seen where the project lies in the guest.
    pub asks: EmbeddedConfig,
    /// What makes its tables.
    pub prepare: Arguments,
}

/// The database of the project in the folder `home` of the source in `folder`, if its settings name SQLite.
pub fn database(folder: &Path, home: &str) -> Option<Database> {
    let is_sqlite = |text: &String| {
        text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("django.db.backends.sqlite3"))
    };
    settings_sources(&folder.join(home)).iter().any(is_sqlite).then(|| Database {
        asks: beside::state(home),
        prepare: Arguments(["manage.py", "migrate", "--noinput"].map(str::to_owned).to_vec()),
    })
}

/// What gathers the static files of the project in `folder` into one place, if its settings name that place: a web server
/// or a library such as WhiteNoise takes them from there. It may fail: what it needs may only be there when the app runs.
pub fn collects(folder: &Path) -> Option<Arguments> {
    let collect = ["-manage.py", "collectstatic", "--noinput"];
    settings_sources(folder)
        .iter()
        .any(|text| text.lines().any(|line| line.starts_with("STATIC_ROOT")))
        .then(|| Arguments(collect.map(str::to_owned).to_vec()))
}

/// What in the settings of the project in `folder` is as `startproject` wrote it, and wrong where strangers visit.
pub fn to_set(folder: &Path) -> Vec<String> {
    let sources = settings_sources(folder);
    let statements: Vec<String> = sources.iter().flat_map(|text| top_level(text)).collect();
    let is_set = |name: &str, value: &str| {
        let values = statements.iter().filter_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        values.map(str::trim).next_back().is_some_and(|last| last.starts_with(value))
    };
    let mut found = Vec::new();
    if is_set("ALLOWED_HOSTS", "[]") {
        found.push("`ALLOWED_HOSTS` is empty, which lets in localhost alone (and nobody without `DEBUG`)".to_owned());
    }
    if is_set("DEBUG", "True") {
        found.push("`DEBUG` is on, which shows the app's inside to visitors".to_owned());
    }
    if ["'django-insecure", "\"django-insecure"].iter().any(|value| is_set("SECRET_KEY", value)) {
        found.push("`SECRET_KEY` is the one in the source, which everybody has who has that".to_owned());
    }
    found
}

/// The settings that its app names in the module `app`, which may be others than those of manage.py: commands are to run with
/// the same.
pub fn environment(folder: &Path, app: &str) -> BTreeMap<String, String> {
    let module = settings_of_app(folder, app);
    module.map(|module| ("DJANGO_SETTINGS_MODULE".to_owned(), module)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_project_with_sqlite_needs_a_place_for_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("shop")).unwrap();
        fs::write(root.path().join("manage.py"), "setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')").unwrap();
        let with = |settings: &str| {
            fs::write(root.path().join("shop/settings.py"), settings).unwrap();
            database(root.path(), "").map(|database| database.asks.text())
        };
        let sqlite = "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}";
        assert_eq!(with(sqlite).as_deref(), Some("[state]\nmounts = [\"/0\"]\n"));
        assert!(collects(root.path()).is_none());
        assert_eq!(with("# 'django.db.backends.sqlite3'"), None);
        assert_eq!(with("DEBUG = True\nALLOWED_HOSTS = []\nSECRET_KEY = 'django-insecure-x'"), None);
        assert_eq!(to_set(root.path()).len(), 3);
        assert_eq!(with("DEBUG = env('X')\nALLOWED_HOSTS = ['x']"), None);
        assert!(to_set(root.path()).is_empty());
        fs::write(root.path().join("shop/settings.py"), "STATIC_ROOT = 'collected'").unwrap();
        assert_eq!(collects(root.path()).unwrap().to_string(), "-manage.py collectstatic --noinput");
        assert_eq!(with("'django.db.backends.postgresql'"), None);
        fs::remove_file(root.path().join("manage.py")).unwrap();
        assert_eq!(with(sqlite), None);
    }
}

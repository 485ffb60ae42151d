//! What an app writes beside its code: a database in a file, an instance folder. In a guest there is a place for it only if the
//! state folder is seen where the app lies.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use toml::Table;
use toml::Value;

use crate::config::embedded::EmbeddedConfig;

/// Where an app lies in the guest.
const APP: &str = "/0";

/// What opens a database in a file, by name: `sqlite3`, SQLAlchemy's URLs, aiosqlite, peewee.
const OPENS: [&str; 5] = ["sqlite3.connect(", "sqlite.connect(", "sqlite:///", "aiosqlite.connect(", "SqliteDatabase("];

/// A database that is nowhere, and folders whose code does not serve.
const NOT: [&str; 2] = [":memory:", "sqlite:////"];
const ASIDE: [&str; 5] = ["test", "tests", "docs", "examples", "migrations"];

/// The state folder, seen where the app lies, or at the folder `home` below.
pub fn state(home: &str) -> EmbeddedConfig {
    let at = if home.is_empty() { APP.to_owned() } else { format!("{APP}/{home}") };
    let mounts = Value::Array(vec![Value::String(at)]);
    EmbeddedConfig::of(["state"], [Table::from_iter([("mounts".to_owned(), mounts)])])
}

/// Where one of the staged `files` opens a database in a file: `flaskr/db.py, line 17`.
pub fn opens_a_database(folder: &Path, files: &[PathBuf]) -> Option<String> {
    files.iter().filter(|file| is_code(file)).find_map(|file| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        let opens = |line: &str| {
            let code = line.trim_start();
            !code.starts_with('#')
                && OPENS.iter().any(|name| code.contains(name))
                && !NOT.iter().any(|name| code.contains(name))
        };
        let line = text.lines().position(opens)? + 1;
        Some(format!("{}, line {line}", file.display()))
    })
}

fn is_code(file: &Path) -> bool {
    let is_aside = |part: &std::ffi::OsStr| ASIDE.iter().any(|aside| part == *aside);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.extension().is_some_and(|end| end == "py")
        && !name.starts_with("test_")
        && name != "conftest.py"
        && !file.parent().is_some_and(|parent| parent.iter().any(is_aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_in_a_file_is_found_where_the_app_opens_it() {
        let home = tempfile::tempdir().unwrap();
        for (file, text, expected) in [
            ("app.py", "import sqlite3\ndb = sqlite3.connect(path)\n", Some("app.py, line 2")),
            ("blog.py", "from sqlite3 import dbapi2 as sqlite\ndb = sqlite.connect(path)\n", Some("blog.py, line 2")),
            ("config.py", "URI = env or 'sqlite:///' + join(base, 'app.db')\n", Some("config.py, line 1")),
            ("config.py", "# 'sqlite:///app.db'\n", None),
            ("db.py", "sqlite3.connect(':memory:')\n", None),
            ("db.py", "'sqlite:////srv/shop.db'\n", None),
            ("tests/db.py", "sqlite3.connect(path)\n", None),
            ("conftest.py", "sqlite3.connect(path)\n", None),
            ("notes.txt", "sqlite3.connect(path)\n", None),
        ] {
            let path = home.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let found = opens_a_database(home.path(), &[file.into()]);
            assert_eq!(found.as_deref(), expected, "{file}: {text}");
        }
        assert_eq!(state("site").text(), "[state]\nmounts = [\"/0/site\"]\n");
        assert_eq!(state("").text(), "[state]\nmounts = [\"/0\"]\n");
    }
}

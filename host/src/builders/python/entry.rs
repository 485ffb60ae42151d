//! Where a Python app begins: `module:callable`, told from the files of its source.

use std::fs;
use std::path::Path;

use anyhow::bail;

use crate::builders::settings::Build;
use crate::builders::settings::FILE;

/// The files that may hold the callable, in the order in which they are looked into.
const FILES: [&str; 4] = ["app.py", "main.py", "wsgi.py", "application.py"];

/// What the callable is called: PEP 3333's word first, because web.py calls something else `app`.
const CALLABLES: [&str; 2] = ["application", "app"];

/// Frameworks by what is imported, for people to see that they were understood.
const FRAMEWORKS: [(&str, &str); 7] = [
    ("flask", "Flask"),
    ("django", "Django"),
    ("fastapi", "FastAPI"),
    ("starlette", "Starlette"),
    ("bottle", "Bottle"),
    ("falcon", "Falcon"),
    ("web", "web.py"),
];

/// Where an app begins, and why it is thought so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `module:callable`
    pub app: String,
    /// `Python, Django (manage.py and shop/wsgi.py)`
    pub about: String,
    /// Whether it is a project of Django's.
    pub is_django: bool,
}

/// Finds where the app in `folder` begins; nothing, if there is none in Python.
pub fn find(folder: &Path, build: &Build) -> anyhow::Result<Option<Entry>> {
    let is_django = folder.join("manage.py").is_file();
    match &build.app {
        Some(app) if app.contains(':') => named(folder, app, is_django).map(Some),
        Some(_) => Ok(None),
        None if is_django => django(folder),
        None => Ok(FILES.iter().find_map(|file| plain(folder, file))),
    }
}

/// A Python file without a callable, for whoever wonders why it was not taken.
pub fn nearly(folder: &Path) -> Option<&'static str> {
    FILES.into_iter().find(|file| folder.join(file).is_file())
}

fn named(folder: &Path, app: &str, is_django: bool) -> anyhow::Result<Entry> {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let (module, callable) = app.split_once(':').unwrap_or((app, ""));
    if !module.split('.').all(is_name) || !callable.split('.').all(is_name) {
        bail!("{FILE}: `app = \"{app}\"` is not of the form \"module:callable\", as in \"shop.wsgi:application\"");
    }
    let path = folder.join(module.replace('.', "/"));
    if !path.with_extension("py").is_file() && !path.join("__init__.py").is_file() {
        bail!("{FILE}: `app = \"{app}\"`: there is no module `{module}` in `{}`", folder.display());
    }
    let framework = if is_django { "Django" } else { framework_of(&path.with_extension("py")) };
    Ok(Entry { app: app.to_owned(), about: about(framework, &format!("`{app}` in {FILE}")), is_django })
}

/// `manage.py`, and the package with a `wsgi.py` that belongs to it.
fn django(folder: &Path) -> anyhow::Result<Option<Entry>> {
    let mut packages: Vec<String> = folder
        .read_dir()?
        .flatten()
        .filter(|entry| entry.path().join("wsgi.py").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    packages.sort();
    let settings = settings_module(folder).unwrap_or_default();
    let of_settings = packages.iter().find(|package| settings.split('.').next() == Some(package));
    let package = match (of_settings, packages.as_slice()) {
        (Some(package), _) | (None, [package]) => package,
        (None, []) => return Ok(None),
        (None, several) => bail!(
            "`{}` has several packages with a wsgi.py ({}): say which in {FILE}, as `[build]` `app = \"{}.wsgi:application\"`",
            folder.display(),
            several.join(", "),
            several[0]
        ),
    };
    Ok(Some(Entry {
        app: format!("{package}.wsgi:application"),
        about: about("Django", &format!("manage.py and {package}/wsgi.py")),
        is_django: true,
    }))
}

/// The module that `manage.py` names as the project's settings.
pub fn settings_module(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("manage.py")).ok()?;
    let (_, rest) = text.split_once("DJANGO_SETTINGS_MODULE")?;
    // …", "shop.settings")
    rest.split(['"', '\'']).nth(2).map(str::to_owned)
}

fn plain(folder: &Path, file: &str) -> Option<Entry> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).ok()?;
    let callable = CALLABLES.into_iter().find(|name| top_level(&text).any(|line| defines(line, name)))?;
    let module = file.trim_end_matches(".py");
    let found = format!("`{callable}` in {file}");
    Some(Entry { app: format!("{module}:{callable}"), about: about(framework_of(&path), &found), is_django: false })
}

fn about(framework: &str, found: &str) -> String {
    if framework.is_empty() { format!("Python ({found})") } else { format!("Python, {framework} ({found})") }
}

/// The lines that begin in the first column, outside of strings in three quotes.
fn top_level(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.lines().filter(move |line| {
        let began_quoted = quoted;
        quoted ^= (line.matches("\"\"\"").count() + line.matches("'''").count()) % 2 == 1;
        !began_quoted && !line.starts_with([' ', '\t', '#'])
    })
}

/// Whether a line makes something of this name: by assignment, `def`, `class` or import.
fn defines(line: &str, name: &str) -> bool {
    let words: Vec<&str> = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        ["def" | "class", made, ..] | ["async", "def", made, ..] => *made == name,
        // `from shop import app`, `from shop import create as app`: the last word of each piece.
        ["from", ..] => line.split_once(" import ").is_some_and(|(_, names)| {
            let made = names.trim_matches(['(', ')']).split(',').filter_map(|piece| piece.split_whitespace().last());
            made.into_iter().any(|made| made == name)
        }),
        // `app = …`, `application = app = …`, `app: Flask = …`
        _ => line.split_once('#').map_or(line, |(code, _)| code).split_inclusive('=').any(|piece| {
            let target = piece.strip_suffix('=').map(|target| target.split(':').next().unwrap_or(target).trim());
            target == Some(name)
        }),
    }
}

fn framework_of(file: &Path) -> &'static str {
    let text = fs::read_to_string(file).unwrap_or_default();
    let imports = |module: &str| {
        text.lines()
            .filter_map(|line| line.strip_prefix("import ").or_else(|| line.strip_prefix("from ")))
            .any(|rest| rest.split([' ', '.', ',']).next() == Some(module))
    };
    FRAMEWORKS.iter().find(|(module, _)| imports(module)).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, content) in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        root
    }

    fn check(files: &[(&str, &str)], expected: Option<(&str, &str)>) {
        let found = find(tree(files).path(), &Build::default()).unwrap();
        assert_eq!(found.as_ref().map(|entry| (entry.app.as_str(), entry.about.as_str())), expected, "{files:?}");
    }

    #[test]
    fn a_callable_at_the_top_level_is_found() {
        let flask = "from flask import Flask\n\napp = Flask(__name__)\n";
        check(&[("app.py", flask)], Some(("app:app", "Python, Flask (`app` in app.py)")));
        check(
            &[("main.py", "def application(environ, start_response):\n    pass\n")],
            Some(("main:application", "Python (`application` in main.py)")),
        );
        let web = "import web\napp = web.application((), globals())\napplication = app.wsgifunc()\n";
        check(&[("app.py", web)], Some(("app:application", "Python, web.py (`application` in app.py)")));
        for source in [
            "app: Flask = Flask()",
            "async def app(scope, receive, send): ...",
            "class app: ...",
            "from shop import app",
            "from shop import (make, create as app)",
            "server = app = make()",
        ] {
            check(&[("wsgi.py", source)], Some(("wsgi:app", "Python (`app` in wsgi.py)")));
        }
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        for source in [
            "\"\"\"\napp = Flask()\n\"\"\"",
            "if True:\n    app = 1",
            "# app = 1",
            "apps = 1",
            "from app import x",
            "x(app=1)",
            "import app",
        ] {
            check(&[("app.py", source)], None);
        }
        check(&[("other.py", "app = 1")], None);
    }

    #[test]
    fn a_project_of_djangos_begins_in_its_wsgi_py() {
        let manage = "os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")";
        let wsgi = ("shop/wsgi.py", "");
        let expected = Some(("shop.wsgi:application", "Python, Django (manage.py and shop/wsgi.py)"));
        check(&[("manage.py", manage), wsgi, ("other/wsgi.py", "")], expected);
        check(&[("manage.py", ""), wsgi], expected);
        check(&[("manage.py", "")], None);
        let several = tree(&[("manage.py", ""), wsgi, ("other/wsgi.py", "")]);
        let error = find(several.path(), &Build::default()).unwrap_err().to_string();
        assert!(error.contains("(other, shop)") && error.contains("`app = \"other.wsgi:application\"`"), "{error}");
    }

    #[test]
    fn the_author_has_the_last_word_and_is_told_when_it_is_wrong() {
        let root = tree(&[("shop/__init__.py", ""), ("app.py", "app = 1")]);
        let named = |app: &str| find(root.path(), &Build { app: Some(app.to_owned()), ..Build::default() });
        assert_eq!(named("shop:make").unwrap().unwrap().app, "shop:make");
        assert_eq!(named("src/index.js").unwrap(), None, "a file of JavaScript");
        for (wrong, expected) in [
            ("shop:", "`app = \"shop:\"` is not of the form"),
            ("../x:app", "is not of the form"),
            ("till:app", "there is no module `till`"),
        ] {
            let error = named(wrong).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}

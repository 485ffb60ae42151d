//! Where a Python app begins: the evidence in its order of trust, the winner and the runners-up.

use std::fs;
use std::path::Path;

use anyhow::bail;

use crate::config::settings::AppSaid;
use crate::config::settings::Build;
use crate::config::settings::FILE;
use crate::source::python::callables;
use crate::source::python::candidate::Candidate;
use crate::source::python::candidate::Found;
use crate::source::python::django;
use crate::source::python::dockerfile;
use crate::source::python::flask;
use crate::source::python::hints;
use crate::source::python::imported;
use crate::source::python::layout;
use crate::source::python::names;
use crate::source::python::own_server;
use crate::source::python::paste;
use crate::source::python::procfile;
use crate::source::python::project;
use crate::source::python::target::Target;
use crate::source::python::uwsgi;

/// So many runners-up are told.
const OTHERS_MAX: usize = 4;
/// Where a library shows what it is for.
const EXAMPLES: [&str; 5] = ["examples", "example", "demo", "demos", "sample"];
const EXAMPLES_MAX: usize = 100;

/// Where an app begins, and why it is thought so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `module:callable`
    pub app: String,
    /// The folder that it is started in, relative to the source; empty for the source itself.
    pub home: String,
    /// Folders of the source that modules are looked for in besides.
    pub roots: Vec<String>,
    /// `Python, Django (manage.py and shop/wsgi.py)`
    pub about: String,
    /// What else was found, for people.
    pub others: Vec<String>,
    /// Whether it is a project of Django's.
    pub is_django: bool,
}

/// What was found in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Evidence {
    found: Vec<Found>,
    /// What was named and is not there.
    missing: Vec<String>,
    /// Whether it was only found by looking into files.
    is_guess: bool,
}

/// Finds where the app in `folder` begins; nothing, if there is none in Python.
pub fn find(folder: &Path, build: &Build) -> anyhow::Result<Option<Entry>> {
    let roots = layout::roots(folder);
    match &build.app {
        Some(app) if Target::parse(app).is_none() && !app.contains(':') => Ok(None),
        Some(app) => named(folder, app, build.app_said, roots).map(Some),
        None => {
            let packages = django::undecided(folder);
            let Evidence { found, is_guess, .. } = gather(folder, &roots);
            let Some((winner, others)) = found.split_first() else { return Ok(None) };
            let is_djangos = winner.said_by.starts_with(django::MANAGE);
            if let (true, [first, ..]) = (is_djangos, packages.as_slice()) {
                bail!(
                    "`{}` has several packages with a wsgi.py ({}): say which in {FILE}, as `[build]` `app = \"{first}.wsgi:application\"`",
                    folder.display(),
                    packages.join(", "),
                );
            }
            let mut told: Vec<String> = Vec::new();
            // Django's other interface is no other app.
            let is_same = |other: &Found| {
                other.app == winner.app
                    || other.app.rsplit_once('.').is_some_and(|(package, rest)| {
                        let of_winner = winner.app.rsplit_once('.').map(|(package, _)| package);
                        matches!(rest, "asgi:application" | "wsgi:application") && of_winner == Some(package)
                    })
            };
            for other in others.iter().filter(|other| !is_same(other)) {
                let other = format!("`{}` ({})", other.app, other.said_by);
                if !told.contains(&other) {
                    told.push(other);
                }
            }
            told.truncate(OTHERS_MAX);
            let mut entry = entry(folder, winner.clone(), roots);
            if is_guess || !told.is_empty() {
                let others =
                    if told.is_empty() { String::new() } else { format!("; found as well: {}", told.join(", ")) };
                entry.others.push(format!("`{}` is taken (`--app module:callable` names another){others}", entry.app));
            }
            Ok(Some(entry))
        }
    }
}

/// Why there is none in a folder that is a project in Python; nothing for other folders.
pub fn nothing(folder: &Path, shown: &Path) -> Option<String> {
    let is_python = layout::is_project(folder) || names::FILES.iter().any(|file| folder.join(file).is_file());
    own_server::told(folder, shown).or_else(|| {
        is_python.then(|| {
            let missing = gather(folder, &layout::roots(folder)).missing;
            hints::nothing(folder, shown, &missing, example(folder).as_deref())
        })
    })
}

/// A folder among the examples of a project that holds an app.
fn example(folder: &Path) -> Option<String> {
    let all = EXAMPLES.into_iter().flat_map(|name| {
        let below = layout::folders(&folder.join(name)).into_iter().map(move |below| format!("{name}/{below}"));
        [name.to_owned()].into_iter().chain(below)
    });
    let is_app = |place: &String| {
        let at = folder.join(place);
        at.is_dir() && !gather(&at, &layout::roots(&at)).found.is_empty()
    };
    all.take(EXAMPLES_MAX).find(is_app)
}

fn gather(folder: &Path, roots: &[String]) -> Evidence {
    let mut all = Evidence::default();
    let mut homes = vec![String::new()];
    let is_project = layout::is_project(folder) || folder.join(procfile::FILE).is_file();
    if is_project {
        let below = layout::folders(folder).into_iter().filter(|name| folder.join(name).join(django::MANAGE).is_file());
        homes.extend(below);
    }
    let mut said: Vec<Candidate> = procfile::candidates(folder);
    said.extend(dockerfile::candidates(folder));
    said.extend(uwsgi::candidates(folder));
    said.extend(flask::candidates(folder));
    said.extend(project::candidates(folder));
    said.extend(homes.iter().flat_map(|home| django::candidates(folder, home)));
    said.extend(procfile::of_scripts(folder));
    for candidate in said {
        match candidate.resolve(folder, roots) {
            Ok(found) => all.found.push(found),
            Err(missing) => all.missing.push(missing),
        }
    }
    all.missing.dedup();
    all.found.extend(paste::found(folder));
    all.found.extend(names::in_files(folder));
    if all.found.is_empty() {
        all.found = imported::factories(folder, roots);
        all.is_guess = true;
    }
    if all.found.is_empty() && is_project {
        let name = layout::pyproject(folder)
            .get("project")
            .and_then(|project| project.get("name")?.as_str().map(str::to_owned));
        all.found = names::in_packages(folder, roots, &name.unwrap_or_default());
        all.is_guess = true;
    }
    all
}

fn entry(folder: &Path, found: Found, roots: Vec<String>) -> Entry {
    let Found { app, home, file, said_by } = found;
    let is_django = folder.join(&home).join(django::MANAGE).is_file();
    let source = fs::read_to_string(file).unwrap_or_default();
    let framework = if is_django { "Django" } else { callables::framework_of(&source) };
    let about =
        if framework.is_empty() { format!("Python ({said_by})") } else { format!("Python, {framework} ({said_by})") };
    Entry { app, home, roots, about, others: Vec::new(), is_django }
}

fn named(folder: &Path, app: &str, by: AppSaid, roots: Vec<String>) -> anyhow::Result<Entry> {
    let (named, said_by) = match by {
        AppSaid::File => (format!("{FILE}: `app = \"{app}\"`"), format!("`{app}` in {FILE}")),
        AppSaid::CommandLine => (format!("`--app {app}`"), format!("`--app {app}`")),
    };
    let Some(target) = Target::parse(app) else {
        bail!(
            "{named} is not of the form \"module:callable\", as in \"shop.wsgi:application\" or \"shop:create_app()\""
        );
    };
    // A project of Django's below is started where its manage.py is.
    let homes = layout::folders(folder).into_iter().filter(|name| folder.join(name).join(django::MANAGE).is_file());
    let homes = [String::new()]
        .into_iter()
        .chain(homes)
        .find(|home| layout::file_of(&folder.join(home), &target.module).is_some());
    let candidate = Candidate { home: homes.unwrap_or_default(), target, said_by };
    match candidate.resolve(folder, &roots) {
        Ok(found) => Ok(entry(folder, found, roots)),
        Err(_) if layout::find_module(folder, &candidate.home, &roots, &candidate.target.module).is_none() => {
            bail!("{named}: there is no module `{}` in `{}`", candidate.target.module, folder.display())
        }
        Err(_) => bail!("{named} names no callable, and the module has no `app`, `application` or `create_app()`"),
    }
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
        check(&[("app.py", "import app")], None);
        check(&[("other.py", "app = 1")], None);
    }

    #[test]
    fn evidence_has_an_order_of_trust() {
        let flask = "from flask import Flask\napp = Flask(__name__)\n";
        let all = [
            ("Procfile", "web: gunicorn one:app\n"),
            ("Dockerfile", "FROM x\nCMD gunicorn two:app\n"),
            (".flaskenv", "FLASK_APP=three.py\n"),
            ("app.py", flask),
            ("one.py", flask),
            ("two.py", flask),
            ("three.py", flask),
        ];
        for (from, expected) in [(0, "one:app"), (1, "two:app"), (2, "three:app"), (3, "app:app")] {
            let root = tree(&all[from..]);
            let found = find(root.path(), &Build::default()).unwrap().unwrap();
            assert_eq!(found.app, expected);
            assert_eq!(found.others.is_empty(), from == 3, "{:?}", found.others);
        }
        // What is named and not there does not count.
        check(
            &[("Procfile", "web: gunicorn gone:app\n"), ("app.py", flask)],
            Some(("app:app", "Python, Flask (`app` in app.py)")),
        );
    }

    #[test]
    fn packages_and_layouts_are_looked_through_in_a_project() {
        let project = ("pyproject.toml", "[project]\nname = \"my-shop\"\n");
        let factory = "from flask import Flask\ndef create_app(test_config=None):\n    return Flask(__name__)\n";
        for (files, expected) in [
            (&[project, ("my_shop/__init__.py", factory)][..], ("my_shop:create_app()", "")),
            (
                &[project, ("src/my_shop/app.py", factory), ("src/my_shop/__init__.py", "")],
                ("my_shop.app:create_app()", ""),
            ),
            (&[project, ("app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n")], ("app.main:app", "")),
            (
                &[
                    project,
                    ("web/main.py", "from fastapi import FastAPI\nimport till\napp = FastAPI()\n"),
                    ("web/till.py", ""),
                ],
                ("main:app", "web"),
            ),
            (
                &[
                    ("requirements.txt", ""),
                    ("backend/app/__init__.py", ""),
                    ("backend/app/main.py", "app = FastAPI()"),
                ],
                ("app.main:app", "backend"),
            ),
            (
                &[
                    ("requirements.txt", ""),
                    ("site/manage.py", "setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')"),
                    ("site/shop/wsgi.py", ""),
                ],
                ("shop.wsgi:application", "site"),
            ),
        ] {
            let found = find(tree(files).path(), &Build::default()).unwrap().unwrap();
            assert_eq!((found.app.as_str(), found.home.as_str()), expected, "{files:?}");
        }
        // Without a project it is a folder of other things.
        check(&[("backend/app/__init__.py", ""), ("backend/app/main.py", "app = FastAPI()")], None);
    }

    #[test]
    fn a_project_of_djangos_begins_in_its_wsgi_py() {
        let manage = "os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")";
        let wsgi = ("shop/wsgi.py", "");
        let expected = Some(("shop.wsgi:application", "Python, Django (manage.py and shop/wsgi.py)"));
        check(&[("manage.py", manage), wsgi, ("other/wsgi.py", "")], expected);
        check(&[("manage.py", ""), wsgi, ("shop/asgi.py", "")], expected);
        check(&[("manage.py", "")], None);
        let several = tree(&[("manage.py", ""), wsgi, ("other/wsgi.py", "")]);
        let error = find(several.path(), &Build::default()).unwrap_err().to_string();
        assert!(error.contains("(other, shop)") && error.contains("`app = \"other.wsgi:application\"`"), "{error}");
    }

    #[test]
    fn the_author_has_the_last_word_and_is_told_when_it_is_wrong() {
        let root = tree(&[("shop/__init__.py", ""), ("app.py", "app = 1")]);
        let named =
            |app: &str, app_said| find(root.path(), &Build { app: Some(app.to_owned()), app_said, ..Build::default() });
        assert_eq!(named("shop:make", AppSaid::File).unwrap().unwrap().app, "shop:make");
        assert_eq!(named("shop:make('x')", AppSaid::CommandLine).unwrap().unwrap().app, "shop:make('x')");
        assert_eq!(named("src/index.js", AppSaid::File).unwrap(), None, "a file of JavaScript");
        for (wrong, by, expected) in [
            ("shop:", AppSaid::File, "guesthouse.toml: `app = \"shop:\"` is not of the form"),
            ("../x:app", AppSaid::CommandLine, "`--app ../x:app` is not of the form"),
            ("till:app", AppSaid::CommandLine, "`--app till:app`: there is no module `till`"),
        ] {
            let error = named(wrong, by).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_is_no_app_is_told_for_what_it_is() {
        let told = |files: &[(&str, &str)]| nothing(tree(files).path(), Path::new("x"));
        let setup = ("setup.py", "setup(name='polls')");
        for (files, expected) in [
            (
                &[setup, ("Procfile", "web: gunicorn gone:app")][..],
                "nothing says where its app begins (`gunicorn gone:app` in Procfile names the module `gone`, which is not there; there \
                 is no app.py, main.py, wsgi.py or application.py at its root): `guesthouse build x --app module:callable` says \
                 where it is",
            ),
            (
                &[setup, ("polls/__init__.py", ""), ("examples/one/app.py", "app = Flask()")],
                "`guesthouse build x/examples/one` takes the example",
            ),
            (
                &[setup, ("a/__init__.py", ""), ("a/b.py", "app = Flask()"), ("a/c.py", "app = Flask()")],
                "`x` makes its app in a/b.py, and nothing says that it is the one to serve",
            ),
        ] {
            let told = told(files).unwrap();
            assert!(told.contains(expected), "{told}");
        }
        assert_eq!(told(&[("readme.md", "")]), None);
    }

    #[test]
    fn what_makes_an_app_is_found_deep_in_a_package_and_where_a_program_calls_it() {
        let project = ("pyproject.toml", "[project]\nname = \"shop\"\n");
        let factory = "from flask import Flask\ndef create_app():\n    return Flask(__name__)\n";
        let class = "class Shop:\n    def __init__(self, files=None): ...\n    def app(self): ...\n";
        let package = ("shop/__init__.py", "");
        for (files, expected) in [
            (
                &[project, package, ("shop/web/__init__.py", ""), ("shop/web/factory.py", factory)][..],
                "shop.web.factory:create_app()",
            ),
            (&[project, package, ("shop/app.py", class)], "shop.app:Shop().app()"),
            (
                &[
                    ("app.py", "from shop import create_app\nif __name__ == '__main__':\n    create_app().run()\n"),
                    ("shop/__init__.py", factory),
                ],
                "shop:create_app()",
            ),
        ] {
            let found = find(tree(files).path(), &Build::default()).unwrap().unwrap();
            assert_eq!(found.app, expected, "{files:?}");
            assert!(found.others[0].contains("is taken (`--app module:callable` names another)"), "{:?}", found.others);
        }
    }
}

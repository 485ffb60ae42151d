//! What a source without an app is instead, in one sentence that ends with the line to type.

use std::fs;
use std::path::Path;

use crate::source::python::callables;
use crate::source::python::callables::Place;
use crate::source::python::classes;
use crate::source::python::django;
use crate::source::python::layout;
use crate::source::python::modules;
use crate::source::python::modules::Module;
use crate::source::python::project;

/// What is in `folder`, which people call `shown`; `example` is a folder in it that holds an app.
pub fn told(folder: &Path, shown: &Path, example: Option<&str>) -> Option<String> {
    let shown = shown.display().to_string();
    let modules = modules::in_packages(folder, &layout::roots(folder));
    let scripts = project::scripts(folder);
    let of_library = || example.filter(|_| scripts.is_empty()).map(|example| library(&shown, example));
    template(folder, &shown, &scripts)
        .or_else(|| reusable(folder, &shown, &modules))
        .or_else(of_library)
        .or_else(|| in_modules(folder, &shown, &modules, plain))
        .or_else(|| in_modules(folder, &shown, &modules, with_arguments))
        .or_else(|| program(&shown, &scripts, example))
}

/// It copies projects of Django's for others.
fn template(folder: &Path, shown: &str, scripts: &[(String, String)]) -> Option<String> {
    let first = layout::folders(folder);
    let second = first
        .iter()
        .flat_map(|one| layout::folders(&folder.join(one)).into_iter().map(move |two| format!("{one}/{two}")));
    let place = first.iter().cloned().chain(second).find(|place| modules::is_template(&folder.join(place)))?;
    let command = match scripts.iter().find(|(name, _)| name.contains("project")) {
        Some((name, _)) => format!("{name} site"),
        None => format!("django-admin startproject --template {shown}/{place} site"),
    };
    Some(format!(
        "`{shown}` makes projects of Django's and is none itself, since {place}/{} is a template that has to be filled in: \
         `{command} && guesthouse build site` makes one and takes it",
        django::MANAGE
    ))
}

/// An app that projects of Django's install.
fn reusable(folder: &Path, shown: &str, modules: &[Module]) -> Option<String> {
    let is_there = |name: String| modules.iter().any(|module| module.name == name);
    let package = modules.iter().find(|module| {
        let has = |file: &str| is_there(format!("{}.{file}", module.name));
        !module.name.contains('.') && has("urls") && (has("models") || has("apps"))
    })?;
    (!folder.join(django::MANAGE).is_file()).then(|| {
        format!(
            "`{shown}` is an app for projects of Django's (`{package}`), and has no project (no {}) to be served by: `guesthouse \
             build PROJECT` takes the folder of one that has `{package}` in its `INSTALLED_APPS`",
            django::MANAGE,
            package = package.name
        )
    })
}

fn library(shown: &str, example: &str) -> String {
    format!(
        "`{shown}` is a library, in which no app is made: `guesthouse build {shown}/{example}` takes the example in {example}"
    )
}

/// A module in which something makes an app, and what.
fn in_modules(
    folder: &Path,
    shown: &str,
    modules: &[Module],
    find: fn(&str) -> Option<(String, String)>,
) -> Option<String> {
    // First those that are called like an app's.
    let mut modules: Vec<&Module> = modules.iter().collect();
    modules.sort_by_key(|module| {
        !["app", "application", "wsgi", "asgi", "main"].iter().any(|name| module.name.ends_with(name))
    });
    modules.into_iter().find_map(|module| {
        let (expression, why) = find(&fs::read_to_string(folder.join(&module.file)).ok()?)?;
        let (file, name) = (module.file.display(), &module.name);
        Some(format!(
            "`{shown}` makes its app in {file}, and {why}: `guesthouse build {shown} --app \"{name}:{expression}\"` takes it"
        ))
    })
}

fn plain(source: &str) -> Option<(String, String)> {
    let made = callables::find(source, Place::Any)?;
    Some((made, "nothing says that it is the one to serve".to_owned()))
}

fn with_arguments(source: &str) -> Option<(String, String)> {
    let missing = |needed: &[String]| {
        let names: Vec<String> = needed.iter().map(|name| format!("`{name}`")).collect();
        format!("only you can say what to put for {}", names.join(" and "))
    };
    if let Some((name, needed)) = callables::factory_with_arguments(source) {
        let given: Vec<String> = needed.iter().map(|name| format!("{name}=…")).collect();
        return Some((format!("{name}({})", given.join(", ")), missing(&needed)));
    }
    let class = classes::find(source).into_iter().next()?;
    let why = if class.needed.is_empty() {
        "nothing says that it is the one to serve".to_owned()
    } else {
        missing(&class.needed)
    };
    Some((class.expression(), why))
}

fn program(shown: &str, scripts: &[(String, String)], example: Option<&str>) -> Option<String> {
    let (name, function) = scripts.first()?;
    let line = match example {
        Some(example) => format!("`guesthouse build {shown}/{example}` takes the app in {example}"),
        None => format!("`guesthouse build {shown} --app module:callable` takes one"),
    };
    Some(format!(
        "`{shown}` is a program (`{name}`, which runs `{function}`), and no app for a server, which is all that a guest can be: \
         {line}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_sentence_with_the_line_to_type() {
        let scripts = "[project]\nname = \"x\"\n[project.scripts]\nshop-project = \"shop:main\"\n";
        for (files, example, expected) in [
            (
                &[("polls/__init__.py", ""), ("polls/urls.py", ""), ("polls/models.py", "")][..],
                None,
                "`x` is an app for projects of Django's (`polls`), and has no project (no manage.py) to be served by: `guesthouse \
                 build PROJECT` takes the folder of one that has `polls` in its `INSTALLED_APPS`",
            ),
            (
                &[("pyproject.toml", scripts), ("shop/new/manage.py", "x(\"{{ project_name }}\")")],
                None,
                "`x` makes projects of Django's and is none itself, since shop/new/manage.py is a template that has to be filled \
                 in: `shop-project site && guesthouse build site` makes one and takes it",
            ),
            (
                &[("pyproject.toml", scripts)],
                None,
                "`x` is a program (`shop-project`, which runs `shop:main`), and no app for a server, which is all that a guest can \
                 be: `guesthouse build x --app module:callable` takes one",
            ),
            (
                &[("shop/__init__.py", ""), ("shop/web.py", "def create_app(name, *, size):\n    pass\n")],
                None,
                "`x` makes its app in shop/web.py, and only you can say what to put for `name` and `size`: `guesthouse build x \
                 --app \"shop.web:create_app(name=…, size=…)\"` takes it",
            ),
            (
                &[
                    ("src/shop/__init__.py", ""),
                    (
                        "src/shop/dav.py",
                        "class Dav:\n    def __init__(self, config): ...\n    def __call__(self, environ, start_response): ...\n",
                    ),
                ],
                None,
                "`x` makes its app in src/shop/dav.py, and only you can say what to put for `config`: `guesthouse build x --app \
                 \"shop.dav:Dav(config=…)\"` takes it",
            ),
            (
                &[("shop/__init__.py", "")],
                Some("examples/one"),
                "`x` is a library, in which no app is made: `guesthouse build x/examples/one` takes the example in examples/one",
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            for (file, content) in files {
                let file = root.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, content).unwrap();
            }
            assert_eq!(told(root.path(), Path::new("x"), example).as_deref(), Some(expected));
        }
    }
}

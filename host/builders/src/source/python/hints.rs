//! What a source is that holds no app, and the one line that names one.

use std::fs;
use std::path::Path;

use crate::source::python::callables;
use crate::source::python::callables::Place;
use crate::source::python::django;
use crate::source::python::layout;
use crate::source::python::names::FILES;
use crate::source::python::project;

/// Why nothing was found in `folder`, which people call `shown`; `said` is what pieces of evidence named in vain.
pub fn nothing(folder: &Path, shown: &Path, said: &[String]) -> String {
    let mut text = format!("`{}` is a project in Python, and nothing says where its app begins: ", shown.display());
    let looked =
        ["Procfile", "Dockerfile", "uwsgi.ini", ".flaskenv", "pyproject.toml", "setup.cfg", "setup.py", django::MANAGE];
    let there: Vec<&str> = looked.into_iter().filter(|file| folder.join(file).is_file()).collect();
    let files: Vec<&str> = FILES.into_iter().filter(|file| folder.join(file).is_file()).collect();
    let mut parts: Vec<String> = said.to_vec();
    if said.is_empty() && !there.is_empty() {
        parts.push(format!("{} {} no app", list(&there), if there.len() == 1 { "names" } else { "name" }));
    }
    match files.as_slice() {
        [] => parts.push(format!("there is no {} at its root", list_or(&FILES[..4]))),
        files => {
            let verb = if files.len() == 1 { "has" } else { "have" };
            parts.push(format!("{} {verb} no `app`, `application` or `create_app()` at the top level", list(files)));
        }
    }
    let packages = packages(folder);
    if !packages.is_empty() {
        let shown: Vec<String> = packages.iter().take(6).map(|package| format!("`{package}`")).collect();
        parts.push(format!(
            "no app is made in the package{} {}",
            if shown.len() == 1 { "" } else { "s" },
            shown.join(", ")
        ));
    }
    text.push_str(&parts.join("; "));
    if let Some(hint) = kind(folder, &packages) {
        text.push_str(&format!(". {hint}"));
    }
    text.push_str(&format!(". `guesthouse build {} --app module:callable` says where it is", shown.display()));
    text
}

/// What else it is.
fn kind(folder: &Path, packages: &[String]) -> Option<String> {
    let roots = layout::roots(folder);
    let places = || [String::new()].into_iter().chain(roots.iter().cloned()).map(|root| folder.join(root));
    let find = |package: &str, file: &str| places().any(|place| place.join(package).join(file).is_file());
    let reusable = packages
        .iter()
        .find(|package| find(package, "urls.py") && (find(package, "models.py") || find(package, "apps.py")));
    if let Some(package) = reusable.filter(|_| !folder.join(django::MANAGE).is_file()) {
        return Some(format!(
            "`{package}` is an app for a project of Django's: build the project that has it in its settings"
        ));
    }
    let factory = packages
        .iter()
        .flat_map(|package| ["__init__.py", "app.py", "main.py"].map(|file| (package, file)))
        .find_map(|(package, file)| {
            let text = places().find_map(|place| fs::read_to_string(place.join(package).join(file)).ok())?;
            let module = if file == "__init__.py" {
                package.clone()
            } else {
                format!("{package}.{}", file.trim_end_matches(".py"))
            };
            if let Some(made) = callables::find(&text, Place::Any) {
                return Some(format!("`{module}` has a factory: `--app \"{module}:{made}\"` takes it"));
            }
            let name = callables::factory_with_arguments(&text)?;
            Some(format!("`{module}` has a factory that needs arguments: `--app \"{module}:{name}('…')\"` gives them"))
        });
    let script = project::scripts(folder).into_iter().next();
    factory.or_else(|| {
        let (name, function) = script?;
        Some(format!("It installs the program `{name}` (`{function}`), and a guest runs no program: it has to have an app to call"))
    })
}

fn packages(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for root in [String::new()].into_iter().chain(layout::roots(folder)) {
        let at = folder.join(root);
        found.extend(layout::folders(&at).into_iter().filter(|name| at.join(name).join("__init__.py").is_file()));
    }
    found
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn list_or(names: &[&str]) -> String {
    list(names).replace(" and ", " or ")
}

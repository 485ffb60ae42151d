//! A project of Django's: `manage.py`, the settings that it names, and the app that those name.

use std::fs;
use std::path::Path;

use crate::source::python::candidate::Candidate;
use crate::source::python::code::top_level;
use crate::source::python::layout;
use crate::source::python::target::Target;

/// How the project's program is called.
pub const MANAGE: &str = "manage.py";

/// The app of the project whose manage.py is in the folder `home` of the source; several, if nothing says which.
pub fn candidates(folder: &Path, home: &str) -> Vec<Candidate> {
    let at = folder.join(home);
    if !at.join(MANAGE).is_file() {
        return Vec::new();
    }
    let shown = |file: &str| if home.is_empty() { file.to_owned() } else { format!("{home}/{file}") };
    let candidate = |module: &str, callable: &str, said_by: String| {
        Target::parse(&format!("{module}:{callable}")).map(|target| Candidate::of(target, home, said_by))
    };
    let mut found = Vec::new();
    for name in ["WSGI_APPLICATION", "ASGI_APPLICATION"] {
        let said = settings_sources(&at).iter().find_map(|text| setting(text, name));
        let said = said.as_deref().and_then(|said| said.rsplit_once('.'));
        let said = said.filter(|(module, _)| layout::file_of(&at, module).is_some());
        found.extend(said.and_then(|(module, callable)| {
            let file = format!("{}.py", module.replace('.', "/"));
            candidate(module, callable, format!("{} and {}", shown(MANAGE), shown(&file)))
        }));
    }
    // Projects of old, and those that keep it elsewhere.
    let mut packages: Vec<(String, &str)> = Vec::new();
    for file in ["wsgi", "asgi"] {
        let first = layout::folders(&at);
        let second = first
            .iter()
            .flat_map(|one| layout::folders(&at.join(one)).into_iter().map(move |two| format!("{one}/{two}")));
        let both: Vec<String> = first.iter().cloned().chain(second).collect();
        packages.extend(
            both.into_iter().filter(|one| at.join(one).join(format!("{file}.py")).is_file()).map(|one| (one, file)),
        );
    }
    let settings = settings_module(&at).unwrap_or_default();
    let is_of_settings =
        |(package, _): &(String, &str)| settings.starts_with(&format!("{}.", package.replace('/', ".")));
    packages.sort_by_key(|package| !is_of_settings(package));
    found.extend(packages.into_iter().filter_map(|(package, file)| {
        let module = format!("{}.{file}", package.replace('/', "."));
        candidate(&module, "application", format!("{} and {}", shown(MANAGE), shown(&format!("{package}/{file}.py"))))
    }));
    found
}

/// The packages among which nobody chooses: none is that of the settings, and none is named by them.
pub fn undecided(folder: &Path) -> Vec<String> {
    let found = candidates(folder, "");
    let settings = settings_module(folder).unwrap_or_default();
    let mut packages: Vec<String> =
        found.iter().filter_map(|one| one.target.module.strip_suffix(".wsgi").map(str::to_owned)).collect();
    packages.sort();
    packages.dedup();
    let is_named = packages.iter().any(|package| settings.starts_with(&format!("{package}.")));
    let is_said = settings_sources(folder).iter().any(|text| setting(text, "WSGI_APPLICATION").is_some());
    if is_named || is_said || packages.len() < 2 { Vec::new() } else { packages }
}

/// The module that `manage.py` names as the project's settings.
pub fn settings_module(folder: &Path) -> Option<String> {
    named_in(&fs::read_to_string(folder.join(MANAGE)).ok()?)
}

/// The settings that the module of `app` names, if they are others than those of manage.py.
pub fn settings_of_app(folder: &Path, app: &str) -> Option<String> {
    let file = layout::file_of(folder, app.split(':').next()?)?;
    let named = named_in(&fs::read_to_string(file).ok()?)?;
    (Some(&named) != settings_module(folder).as_ref() && layout::file_of(folder, &named).is_some()).then_some(named)
}

fn named_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("DJANGO_SETTINGS_MODULE")?;
    // …", "shop.settings")
    let rest = rest.trim_start_matches(['"', '\'']).trim_start_matches([',', ']', '=', ' ', '\n', '\t']);
    if rest.starts_with(['"', '\'']) {
        return rest.split(['"', '\'']).nth(1).map(str::to_owned);
    }
    // …", settings_module): what was assigned to it; of several, the last, which counts where nothing else is said.
    let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().filter(|name| !name.is_empty())?;
    let line = text.lines().find(|line| line.trim_start().starts_with(name) && line.contains('='))?;
    let quoted = line.split(['"', '\'']).skip(1).step_by(2).filter(|word| word.contains('.'));
    quoted.last().map(str::to_owned)
}

/// The texts of the settings of the project in `folder`: they may be a package, with one module for each place where the
/// project runs.
pub fn settings_sources(folder: &Path) -> Vec<String> {
    let Some(module) = settings_module(folder) else { return Vec::new() };
    let path = folder.join(module.replace('.', "/"));
    let mut files = vec![path.with_extension("py")];
    files.extend(layout::files(&path).iter().map(|file| path.join(file)));
    // `config.settings.local` is beside `base` and `production`.
    if let Some(beside) = path.parent().filter(|beside| beside.file_name().is_some_and(|name| name == "settings")) {
        files.extend(layout::files(beside).iter().map(|file| beside.join(file)));
    }
    files.dedup();
    files.into_iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
}

/// A setting whose value is a text.
fn setting(source: &str, name: &str) -> Option<String> {
    let statements = top_level(source);
    let line = statements
        .iter()
        .rfind(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')))?;
    line.split(['"', '\'']).nth(1).map(str::to_owned)
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

    #[test]
    fn the_settings_are_told_however_they_are_named() {
        for (manage, expected) in [
            ("os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")", Some("shop.settings")),
            ("os.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings'", Some("shop.settings")),
            (
                "module = 'shop.production' if 'HOST' in os.environ else 'shop.settings'\nsetdefault('DJANGO_SETTINGS_MODULE', module)",
                Some("shop.settings"),
            ),
            ("", None),
        ] {
            let root = tree(&[(MANAGE, manage)]);
            assert_eq!(settings_module(root.path()).as_deref(), expected, "{manage}");
        }
    }

    #[test]
    fn the_settings_say_where_the_app_is() {
        let manage = "setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.local')";
        let root = tree(&[
            ("web/manage.py", manage),
            ("web/config/settings/local.py", "from .base import *"),
            (
                "web/config/settings/base.py",
                "# WSGI_APPLICATION = 'x.y'\nWSGI_APPLICATION = \"config.wsgi.application\"\n",
            ),
            ("web/config/wsgi.py", ""),
        ]);
        let found = candidates(root.path(), "web");
        assert_eq!((found[0].target.module.as_str(), found[0].home.as_str()), ("config.wsgi", "web"));
        assert_eq!(found[0].said_by, "web/manage.py and web/config/wsgi.py");
        assert!(candidates(root.path(), "").is_empty());
    }
}

//! `module:callable`, as servers take it: `shop.wsgi`, `shop:create_app('prod')`, `shop.py`.

use std::path::Path;

use crate::source::python::callables::is_name;

/// What somebody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `shop.wsgi`
    pub module: String,
    /// `app`, `create_app('prod')`; nothing, if it was left out.
    pub callable: Option<String>,
    /// A folder that the module lies in, relative to the source, if a path was named.
    pub home: Option<String>,
}

impl Target {
    /// Reads it; nothing, if it is not of this form.
    pub fn parse(text: &str) -> Option<Target> {
        let (module, callable) =
            text.split_once(':').map_or((text, None), |(module, rest)| (module, Some(rest.trim())));
        if !module.split('.').all(is_name) || callable.is_some_and(|callable| !is_callable(callable)) {
            return None;
        }
        Some(Target { module: module.to_owned(), callable: callable.map(str::to_owned), home: None })
    }

    /// The same, or the path of a file or package: `shop.py`, `src/shop.py:app`, `./shop`. The source is `folder`.
    pub fn of_path(folder: &Path, text: &str) -> Option<Target> {
        let (path, callable) = text.split_once(':').map_or((text, None), |(path, rest)| (path, Some(rest)));
        let path = path.trim_start_matches("./").trim_end_matches('/');
        let is_path = path.contains('/') || path.ends_with(".py");
        if !is_path || path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Target::parse(text);
        }
        let (mut home, last) = path.rsplit_once('/').unwrap_or(("", path));
        let mut module = last.strip_suffix(".py").unwrap_or(last).to_owned();
        // Packages above are part of its name, as for an import.
        while !home.is_empty() && folder.join(home).join("__init__.py").is_file() {
            let (above, package) = home.rsplit_once('/').unwrap_or(("", home));
            module = format!("{package}.{module}");
            home = above;
        }
        let whole = callable.map_or_else(|| module.clone(), |callable| format!("{module}:{callable}"));
        Target::parse(&whole).map(|target| Target { home: Some(home.to_owned()), ..target })
    }
}

/// `app`, `shop.app`, `create_app()`, `create_app("prod", debug=False)`. That the arguments are literals is checked in the
/// guest, by Python.
fn is_callable(text: &str) -> bool {
    let (name, arguments) = text.split_once('(').map_or((text, None), |(name, rest)| (name, Some(rest)));
    name.split('.').all(is_name) && arguments.is_none_or(|rest| rest.ends_with(')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_take_is_read() {
        for (text, expected) in [
            ("shop:app", Some(("shop", Some("app")))),
            ("shop.wsgi", Some(("shop.wsgi", None))),
            ("shop:create_app('a:b', debug=True)", Some(("shop", Some("create_app('a:b', debug=True)")))),
            ("shop:site.app", Some(("shop", Some("site.app")))),
            ("shop:", None),
            ("../x:app", None),
            ("shop:create_app(", None),
            ("0.0.0.0:80", None),
        ] {
            let found = Target::parse(text);
            let found = found.as_ref().map(|target| (target.module.as_str(), target.callable.as_deref()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_path_is_a_module_in_the_folder_above_its_packages() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("src/shop")).unwrap();
        std::fs::write(root.path().join("src/shop/__init__.py"), "").unwrap();
        for (text, expected) in [
            ("shop.py", Some(("", "shop", None))),
            ("src/shop/web.py:site", Some(("src", "shop.web", Some("site")))),
            ("./src/till.py", Some(("src", "till", None))),
            ("src/shop", Some(("src", "shop", None))),
            ("/etc/x.py", None),
            ("../x.py", None),
        ] {
            let found = Target::of_path(root.path(), text);
            let found = found.as_ref().map(|target| {
                (target.home.as_deref().unwrap_or("-"), target.module.as_str(), target.callable.as_deref())
            });
            assert_eq!(found, expected, "{text}");
        }
    }
}

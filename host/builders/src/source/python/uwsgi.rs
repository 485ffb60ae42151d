//! `uwsgi.ini`: the module that uWSGI is told to serve.

use std::path::Path;

use configparser::ini::Ini;

use crate::source::python::candidate::Candidate;
use crate::source::python::target::Target;

/// What the file may be called.
const FILES: [&str; 3] = ["uwsgi.ini", "app.ini", "wsgi.ini"];

/// What they say.
pub fn candidates(folder: &Path) -> Vec<Candidate> {
    FILES.iter().filter_map(|file| of_file(folder, file)).collect()
}

fn of_file(folder: &Path, file: &str) -> Option<Candidate> {
    let mut ini = Ini::new();
    ini.load(folder.join(file)).ok()?;
    let key = |names: &[&str]| names.iter().find_map(|name| ini.get("uwsgi", name)).filter(|value| !value.is_empty());
    // Placeholders of uWSGI's own, such as `%d`, name places of the machine where it runs.
    let home = key(&["chdir", "pythonpath"]).filter(|home| !home.starts_with(['/', '%', '$'])).unwrap_or_default();
    let module = key(&["module", "wsgi"]).or_else(|| key(&["wsgi-file", "file"]))?;
    let mut target = Target::of_path(&folder.join(&home), &module)?;
    if target.callable.is_none() {
        target.callable = key(&["callable"]);
    }
    Some(Candidate::of(target, &home, format!("`module = {module}` in {file}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_and_its_callable_are_read() {
        for (text, expected) in [
            ("[uwsgi]\nmodule = shop.wsgi:application\nmaster = true\n", Some(("", "shop.wsgi", Some("application")))),
            ("[uwsgi]\nwsgi-file = shop.py\ncallable = app\nchdir = web\n", Some(("web", "shop", Some("app")))),
            ("[uwsgi]\nmodule = wsgi\nchdir = /srv/app\n", Some(("", "wsgi", None))),
            ("[uwsgi]\nmaster = true\n", None),
        ] {
            let root = tempfile::tempdir().unwrap();
            std::fs::write(root.path().join("uwsgi.ini"), text).unwrap();
            let found = candidates(root.path());
            let found = found
                .first()
                .map(|one| (one.home.as_str(), one.target.module.as_str(), one.target.callable.as_deref()));
            assert_eq!(found, expected, "{text}");
        }
    }
}

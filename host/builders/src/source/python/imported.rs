//! A file that makes its app only where it is run as a program, by a factory that it imports: `run.py`, as many have it.

use std::fs;
use std::path::Path;

use crate::source::python::callables;
use crate::source::python::callables::Place;
use crate::source::python::candidate::Found;
use crate::source::python::code::top_level;
use crate::source::python::layout;
use crate::source::python::names::FILES;

/// The factories that such files of `folder` import. Each has to be one that can be called without arguments.
pub fn factories(folder: &Path, roots: &[String]) -> Vec<Found> {
    FILES.into_iter().filter_map(|file| of_file(folder, roots, file)).collect()
}

fn of_file(folder: &Path, roots: &[String], file: &str) -> Option<Found> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    top_level(&text).iter().find_map(|line| {
        let (module, names) = line.strip_prefix("from ")?.split_once(" import ")?;
        let (home, path) = layout::find_module(folder, "", roots, module.trim())?;
        let made = callables::find(&fs::read_to_string(&path).ok()?, Place::Any)?;
        let name = made.strip_suffix("()")?;
        let mut imported = names.trim_matches(['(', ')', ' ']).split(',').map(str::trim);
        (imported.any(|one| one == name) && text.contains(&format!("{name}("))).then(|| Found {
            app: format!("{module}:{made}"),
            home,
            said_by: format!("`{made}` of `{module}`, which {file} imports"),
            file: path,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factory_that_a_program_calls_is_found() {
        let main = "from shop import create_app\n\nif __name__ == '__main__':\n    create_app().run()\n";
        for (main, shop, expected) in [
            (main, "def create_app():\n    pass\n", Some("shop:create_app()")),
            (main, "def create_app(name):\n    pass\n", None),
            ("from shop import create_app\n", "def create_app():\n    pass\n", None),
            ("from till import create_app\ncreate_app()\n", "def create_app():\n    pass\n", None),
        ] {
            let root = tempfile::tempdir().unwrap();
            fs::write(root.path().join("run.py"), main).unwrap();
            fs::write(root.path().join("shop.py"), shop).unwrap();
            let found = factories(root.path(), &[]);
            assert_eq!(found.first().map(|found| found.app.as_str()), expected, "{main} {shop}");
        }
    }
}

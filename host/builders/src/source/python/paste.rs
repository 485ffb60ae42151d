//! `production.ini` and `development.ini`, from which Pyramid's own programs make an app.

use std::fs;
use std::path::Path;

use configparser::ini::Ini;

use crate::source::python::candidate::Found;

/// What is looked into first is what is served elsewhere.
const FILES: [&str; 2] = ["production.ini", "development.ini"];

/// What they say of the app in `folder`: a call of Pyramid's, which is no module of the source.
pub fn found(folder: &Path) -> Vec<Found> {
    FILES.iter().filter_map(|file| of_file(folder, file)).collect()
}

fn of_file(folder: &Path, file: &str) -> Option<Found> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).ok().filter(|text| text.contains("pyramid"))?;
    let mut ini = Ini::new();
    ini.read(text).ok()?;
    let named = ini.get("app:main", "use").filter(|named| named.starts_with("egg:"))?;
    Some(Found {
        app: format!("pyramid.paster:get_app('{file}')"),
        home: String::new(),
        file: path,
        said_by: format!("`use = {named}` in {file}, for Pyramid"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_of_pyramids_is_made_from_its_settings() {
        for (text, is_there) in [
            ("[app:main]\nuse = egg:shop\npyramid.reload_templates = false\npyramid.includes =\n  till\n", true),
            ("[app:main]\nuse = egg:shop\n", false),
            ("[loggers]\nkeys = pyramid\n", false),
        ] {
            let root = tempfile::tempdir().unwrap();
            fs::write(root.path().join("development.ini"), text).unwrap();
            let found: Vec<String> = found(root.path()).into_iter().map(|found| found.app).collect();
            let expected = is_there.then(|| "pyramid.paster:get_app('development.ini')".to_owned());
            assert_eq!(found, Vec::from_iter(expected), "{text}");
        }
    }
}

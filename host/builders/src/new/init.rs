//! `guesthouse init`: the one file that an existing project lacks, if it lacks any.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;
use toml_edit::DocumentMut;
use toml_edit::table;
use toml_edit::value;

use crate::config::settings::FILE;

/// Writes down where the app in `folder` begins: `app`, as `--app` takes it. A file that is there is left as it is.
pub fn write(folder: &Path, app: &str) -> anyhow::Result<()> {
    let path = folder.join(FILE);
    let mut document = DocumentMut::new();
    document["build"] = table();
    document["build"]["app"] = value(app);
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let shown = path.display();
            bail!("`{shown}` exists, and is left as it is: write `app = {}` under `[build]` there", value(app))
        }
        Err(error) => return Err(error).with_context(|| format!("cannot make `{}`", path.display())),
    };
    file.write_all(document.to_string().as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "shop.web:create_app(\"x\")").unwrap();
        let path = folder.path().join(FILE);
        let expected = "[build]\napp = 'shop.web:create_app(\"x\")'\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        let error = write(folder.path(), "other:app").unwrap_err().to_string();
        assert!(error.ends_with("is left as it is: write `app = \"other:app\"` under `[build]` there"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }
}

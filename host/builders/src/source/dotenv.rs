//! `.env` and `.flaskenv` of a source: variables for the author's own machine, which no component has.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use guesthouse_types::env_file::EnvFile;

/// The files, the one that counts more last.
const FILES: [&str; 2] = [".flaskenv", ".env"];

/// What the files in `folder` set, each with its name.
pub fn read(folder: &Path) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let read = FILES.iter().filter_map(|file| {
        let variables = EnvFile::parse(&fs::read_to_string(folder.join(file)).ok()?).variables;
        (!variables.is_empty()).then_some((*file, variables))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_counts_more_comes_last() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(".env"), "A=1\nno line\n").unwrap();
        fs::write(root.path().join(".flaskenv"), "# nothing\n").unwrap();
        assert_eq!(read(root.path()), [(".env", BTreeMap::from([("A".to_owned(), "1".to_owned())]))]);
        fs::write(root.path().join(".flaskenv"), "A=2\n").unwrap();
        assert_eq!(read(root.path()).iter().map(|(file, _)| *file).collect::<Vec<_>>(), FILES);
    }
}

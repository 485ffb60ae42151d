//! What the documents promise is shown by tests that are there.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// All Rust code below a folder, in one text.
fn code(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&code(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All code in which a test may stand.
fn all_code() -> String {
    ["tests/it", "host"].iter().map(|folder| code(&root().join(folder))).collect()
}

/// A name in backticks that can only be a test's: four words and more.
fn is_test_name(word: &str) -> bool {
    word.matches('_').count() >= 3 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[test]
fn every_test_that_the_table_of_promises_names_exists() {
    let document = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let code = all_code();
    let (mut names, mut files) = (0, 0);
    for word in document.split('`').skip(1).step_by(2) {
        if is_test_name(word) && !word.ends_with("_max") {
            assert!(code.contains(&format!("fn {word}() {{")), "no test `{word}`");
            names += 1;
        }
        if !word.contains(' ') && (word.ends_with(".rs") || word.ends_with('/')) {
            let here = ["", "tests/it"].iter().any(|folder| root().join(folder).join(word).exists());
            assert!(here, "no file `{word}`");
            files += 1;
        }
    }
    assert!(names > 25 && files > 15, "{names} tests and {files} files named");
}

#[test]
fn every_test_that_the_document_of_the_wall_names_exists() {
    let document = fs::read_to_string(root().join("docs/wall.md")).unwrap();
    let code = all_code();
    let mut count = 0;
    for row in document.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |")) {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in tests.split(", ") {
            let name = name.trim_matches('`');
            assert!(code.contains(&format!("fn {name}() {{")), "no test `{name}` for: {row}");
            count += 1;
        }
    }
    assert!(count > 50, "{count} tests named");
}

#[test]
fn every_test_that_the_document_of_languages_names_exists() {
    let document = fs::read_to_string(root().join("docs/guest-languages.md")).unwrap();
    let mut count = 0;
    for word in document.split('`').skip(1).step_by(2) {
        let Some((file, name)) = word.rsplit_once("::").filter(|(_, name)| is_test_name(name)) else { continue };
        let path = root().join("tests/it").join(file.replace("::", "/")).with_extension("rs");
        let code = fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{word}`: {error}"));
        assert!(code.contains(&format!("fn {name}() {{")), "no test `{word}`");
        count += 1;
    }
    assert!(count > 30, "{count} tests named");
}

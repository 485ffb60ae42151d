//! What `docs/wall.md` promises is shown by tests that are there.

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

#[test]
fn every_test_that_the_document_of_the_wall_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("docs/wall.md")).unwrap();
    let code: String = ["tests/it", "host/sandbox", "host/src"].iter().map(|folder| code(&root.join(folder))).collect();
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

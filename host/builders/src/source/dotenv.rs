//! `.env` and `.flaskenv` of a source: variables for the author's own machine, which no component has.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files, the one that counts more last.
const FILES: [&str; 2] = [".flaskenv", ".env"];

/// What the files in `folder` set, each with its name.
pub fn read(folder: &Path) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let read = FILES.iter().filter_map(|file| {
        let variables = parse(&fs::read_to_string(folder.join(file)).ok()?);
        (!variables.is_empty()).then_some((*file, variables))
    });
    read.collect()
}

/// Lines of `NAME=value`, as python-dotenv reads them, without its references from one to another.
fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| {
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
            _ => value.split(" #").next().unwrap_or_default().trim_end(),
        };
        is_name.then(|| (name.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_python_dotenv_does() {
        let text = "# x\nexport A=1\nB = \"two words\" # y\nC='#'\nD=x#y # z\nE=\nno line\nF-G=1\n";
        let expected = [("A", "1"), ("B", "two words"), ("C", "#"), ("D", "x#y"), ("E", "")];
        assert_eq!(parse(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(".env"), "A=1\n").unwrap();
        assert_eq!(read(root.path()).len(), 1);
    }
}

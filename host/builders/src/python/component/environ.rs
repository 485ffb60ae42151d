//! Variables that an app reads while it is imported: what to do about them, and what an earlier build did.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use guesthouse_types::name::Digest;

use crate::cache::builds::BuildCache;
use crate::python::component::report::Read;

/// The note beside the kept component: a line for each read, with the digest of the file that reads.
const NOTE: &str = "environment";
/// So many variables are told.
const TOLD_MAX: usize = 12;

/// The app reads its environment while it is imported: it can be imported only where it runs.
///
/// This is found out by importing it, so it is remembered until one of the reading files is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered(Vec<Read>);

impl fmt::Display for Remembered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: BTreeSet<&str> = self.0.iter().map(|read| read.name.as_str()).collect();
        let mut told: Vec<String> = names.iter().take(TOLD_MAX).map(|name| format!("`{name}`")).collect();
        if names.len() > TOLD_MAX {
            told.push(format!("and {} more", names.len() - TOLD_MAX));
        }
        let Some(first) = self.0.first() else { return Ok(()) };
        write!(
            formatter,
            "{} (line {}) reads {} while it is imported: only the libraries are in memory, and each instance imports the app",
            below_the_app(&first.file),
            first.line,
            told.join(", ")
        )
    }
}

impl Remembered {
    /// Of what was read, if anything was.
    pub fn of(read: &[Read]) -> Option<Remembered> {
        (!read.is_empty()).then(|| Remembered(read.to_vec()))
    }

    /// What an earlier build of the source in `folder` noted, if the files are still the same.
    pub fn read(kept: &BuildCache, folder: &Path) -> Option<Remembered> {
        let note = kept.note(NOTE)?;
        let reads = note.lines().map(|line| {
            let mut parts = line.splitn(4, ' ');
            let (digest, line, name, file) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let is_same = digest_of(folder, file)? == digest;
            is_same.then_some(Read { name: name.to_owned(), file: file.to_owned(), line: line.parse().ok()? })
        });
        reads.collect::<Option<Vec<Read>>>().filter(|reads| !reads.is_empty()).map(Remembered)
    }

    /// Notes it for the next build.
    pub fn write(&self, kept: &BuildCache, folder: &Path) -> anyhow::Result<()> {
        let line = |read: &Read| {
            let Read { name, file, line } = read;
            digest_of(folder, file).map(|digest| format!("{digest} {line} {name} {file}\n"))
        };
        kept.write(NOTE, &self.0.iter().filter_map(line).collect::<String>())
    }
}

/// `/0/shop/settings.py` as `shop/settings.py`.
fn below_the_app(file: &str) -> &str {
    file.strip_prefix("/0/").unwrap_or(file)
}

fn digest_of(folder: &Path, file: &str) -> Option<String> {
    Some(Digest::of(&fs::read(folder.join(below_the_app(file))).ok()?).to_string())
}

#[cfg(test)]
mod tests {
    use guesthouse_types::name::AppName;

    use super::*;
    use crate::cache::tools::Cache;

    #[tokio::test]
    async fn it_is_remembered_until_the_file_that_reads_is_edited() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("tools"));
        let kept = BuildCache::of(&cache, home.path(), &AppName::parse("shop").unwrap()).await.unwrap();
        fs::write(home.path().join("settings.py"), "1").unwrap();
        let read = |name: &str, line| Read { name: name.to_owned(), file: "/0/settings.py".to_owned(), line };
        let remembered = Remembered::of(&[read("SECRET_KEY", 7), read("DEBUG", 9)]).unwrap();
        let expected = "settings.py (line 7) reads `DEBUG`, `SECRET_KEY` while it is imported: only the libraries are in \
                        memory, and each instance imports the app";
        assert_eq!(remembered.to_string(), expected);
        assert_eq!(Remembered::read(&kept, home.path()), None);
        remembered.write(&kept, home.path()).unwrap();
        assert_eq!(Remembered::read(&kept, home.path()), Some(remembered));
        fs::write(home.path().join("settings.py"), "2").unwrap();
        assert_eq!(Remembered::read(&kept, home.path()), None);
        assert_eq!(Remembered::of(&[]), None);
    }
}

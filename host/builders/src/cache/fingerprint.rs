//! Everything that a build depends on, as one digest: the same stamp, the same component.

use std::fs;
use std::io;
use std::path::Path;

use guesthouse_types::name::Digest;

/// Gathers what goes into a build.
#[derive(Debug, Default)]
pub struct Fingerprint(Vec<u8>);

impl Fingerprint {
    /// Adds a text: settings, the version of a tool.
    pub fn text(&mut self, name: &str, text: &str) {
        self.entry(name, text.as_bytes());
    }

    /// Adds the files `below` the folder, which are named relative to it.
    pub fn files<File: AsRef<Path>>(
        &mut self,
        name: &str,
        folder: &Path,
        below: impl IntoIterator<Item = File>,
    ) -> io::Result<()> {
        self.text("files", name);
        for path in below {
            let content = fs::read(folder.join(path.as_ref()))?;
            self.entry(&path.as_ref().to_string_lossy(), &content);
        }
        Ok(())
    }

    /// What was added, in the order in which it was.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// Lengths stand before names, so that nothing can be read in two ways.
    fn entry(&mut self, name: &str, content: &[u8]) {
        self.0.extend_from_slice(format!("{}:{name}={}\n", name.len(), Digest::of(content)).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_count_and_times_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
        let stamp = |tool: &str, names: &[&str]| {
            let mut stamp = Fingerprint::default();
            stamp.text("tool", tool);
            stamp.files("source", folder.path(), names).unwrap();
            stamp.digest()
        };
        write("a", "1");
        write("b", "1");
        let first = stamp("1.0", &["a"]);
        write("a", "1");
        assert_eq!(stamp("1.0", &["a"]), first);
        assert_ne!(stamp("1.1", &["a"]), first);
        assert_ne!(stamp("1.0", &["b"]), first);
        assert_ne!(stamp("1.0", &["a", "b"]), first);
        write("a", "2");
        assert_ne!(stamp("1.0", &["a"]), first);
        assert!(Fingerprint::default().files("source", folder.path(), ["gone"]).is_err());
    }
}

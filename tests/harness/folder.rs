//! An apps folder, and the ways in which operators put files into it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A folder of apps under test.
#[derive(Clone)]
pub struct AppsFolder(PathBuf);

impl AppsFolder {
    pub fn create(path: PathBuf) -> AppsFolder {
        fs::create_dir_all(&path).unwrap();
        AppsFolder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The good path: written under a name that is not an app's, then renamed.
    pub fn rename_in(&self, name: &str, content: impl AsRef<[u8]>) {
        let target = self.file(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let temporary = target.with_file_name(format!(".{}.tmp", target.file_name().unwrap().to_string_lossy()));
        fs::write(&temporary, content).unwrap();
        fs::rename(temporary, target).unwrap();
    }

    /// What `cp` does: truncates the file that is there and writes into it.
    pub fn copy_over(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.file(name), content).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }
}

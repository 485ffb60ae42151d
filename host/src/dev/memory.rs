//! What `dev` built itself: so that it removes its own apps when their source is no longer given, and never those that
//! somebody dropped by hand.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;

/// App → the digest of what was built, as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Memory(BTreeMap<String, String>);

impl Memory {
    /// Reads the list at `path`. One that cannot be read is empty: then nothing is removed.
    pub fn read(path: &Path) -> Memory {
        let text = fs::read(path).unwrap_or_default();
        Memory(serde_json::from_slice(&text).unwrap_or_default())
    }

    /// Removes from the folder what was built earlier and is not `wanted` now, and gives the names.
    pub fn remove_others(&mut self, apps: &Path, wanted: &BTreeSet<&AppName>) -> Vec<String> {
        let mut removed = Vec::new();
        self.0.retain(|name, digest| {
            let Ok(name) = AppName::parse(name) else { return false };
            if wanted.contains(&name) {
                return true;
            }
            let file = apps.join(format!("{name}.wasm"));
            let is_ours = fs::read(&file).is_ok_and(|bytes| Digest::of(&bytes).to_string() == *digest);
            if is_ours && fs::remove_file(&file).is_ok() {
                removed.push(name.to_string());
            }
            false
        });
        removed
    }

    /// Adds what was built, and writes the list to `path`.
    pub fn add(&mut self, built: &BTreeMap<AppName, Digest>, path: &Path) -> anyhow::Result<()> {
        self.0.extend(built.iter().map(|(name, digest)| (name.to_string(), digest.to_string())));
        let text = serde_json::to_vec_pretty(&self.0)?;
        let unfinished = path.with_extension("tmp");
        fs::write(&unfinished, text)
            .and_then(|()| fs::rename(&unfinished, path))
            .with_context(|| format!("cannot write the list of built apps `{}`", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dev_built_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (apps, list) = (folder.path(), folder.path().join("built.json"));
        let name = |name: &str| AppName::parse(name).unwrap();
        let built = ["stays", "goes", "replaced"].map(|app| (name(app), Digest::of(app.as_bytes())));
        Memory::default().add(&built.into_iter().collect(), &list).unwrap();
        for app in ["stays", "goes", "by-hand"] {
            fs::write(apps.join(format!("{app}.wasm")), app).unwrap();
        }
        fs::write(apps.join("replaced.wasm"), "by hand").unwrap();

        let removed = Memory::read(&list).remove_others(apps, &BTreeSet::from([&name("stays")]));
        assert_eq!(removed, ["goes"]);
        for left in ["stays", "replaced", "by-hand"] {
            assert!(apps.join(format!("{left}.wasm")).exists(), "{left}");
        }
        assert!(!apps.join("goes.wasm").exists());
    }

    #[test]
    fn a_list_that_cannot_be_read_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("built.json");
        assert_eq!(Memory::read(&list), Memory::default());
        fs::write(&list, "garbage").unwrap();
        assert_eq!(Memory::read(&list), Memory::default());
    }
}

//! The last step of every builder: is it an app? Then into the folder with it, in one move.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::anyhow;
use guesthouse_component::compose::is_middleware;
use guesthouse_component::inspect::Inspection;
use guesthouse_component::inspect::inspect;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;

use crate::progress::say;
use crate::progress::seconds;
use crate::progress::size;

/// What came out of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// The apps that lie in the folder now, and their contents.
    pub apps: BTreeMap<AppName, Digest>,
    /// Those that did not build, and why.
    pub failed: BTreeMap<AppName, String>,
    /// Those for which something else is mounted now than before: instances that have read it are out of date.
    pub renewed: BTreeSet<AppName>,
}

impl Built {
    /// Adds what came out of another one.
    pub fn add(&mut self, other: Built) {
        self.apps.extend(other.apps);
        self.failed.extend(other.failed);
        self.renewed.extend(other.renewed);
    }

    /// What came out of the build of one app.
    pub fn of(name: &AppName, placed: &Placed) -> Built {
        let apps = placed.is_app.then(|| (name.clone(), placed.digest)).into_iter().collect();
        Built { apps, ..Built::default() }
    }

    /// The same, which is said as well.
    pub fn one(name: &AppName, placed: anyhow::Result<Placed>, time: Duration) -> Built {
        match placed {
            Ok(placed) => {
                match placed.changed {
                    true => say(format_args!("built {name} ({}) in {}", placed.about, seconds(time))),
                    false => say(format_args!("{name} is unchanged")),
                }
                Built::of(name, &placed)
            }
            Err(error) => {
                say(format_args!("error: `{name}` was not built: {error:#}"));
                Built { failed: BTreeMap::from([(name.clone(), format!("{error:#}"))]), ..Built::default() }
            }
        }
    }
}

/// A component that lies in the folder.
pub struct Placed {
    /// Whether it is an app; a middleware lies there as `_<name>.wasm`, to be put before one.
    pub is_app: bool,
    /// Its content.
    pub digest: Digest,
    /// Whether it differs from what was there before.
    pub changed: bool,
    /// In short, what it is: `74 KB, wasi:http 0.2`.
    pub about: String,
}

/// Puts the component `bytes` into the folder `apps` as `<name>.wasm`, or as `_<name>.wasm` if it is a middleware. The same
/// content is not touched again.
pub fn place(name: &AppName, bytes: &[u8], apps: &Path) -> anyhow::Result<Placed> {
    let Inspection { lane, imports, .. } = inspect(bytes).map_err(|error| anyhow!("it is not an app: {error}"))?;
    let is_app = !is_middleware(&imports);
    let stem = if is_app { name.to_string() } else { format!("_{name}") };
    let changed =
        put(&stem, bytes, apps).with_context(|| format!("cannot write to the folder `{}`", apps.display()))?;
    let mut about = format!("{}, {lane}", size(bytes.len()));
    if !is_app {
        about.push_str(&format!(", a middleware: `before = [\"{stem}.wasm\"]` in the manifest of an app uses it"));
    }
    Ok(Placed { is_app, digest: Digest::of(bytes), changed, about })
}

fn put(stem: &str, bytes: &[u8], apps: &Path) -> std::io::Result<bool> {
    fs::create_dir_all(apps)?;
    let file = apps.join(format!("{stem}.wasm"));
    if fs::read(&file).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    // The host does not look at names that begin with a dot, and takes a file that was moved into place at once.
    let unfinished = apps.join(format!(".{stem}.wasm.tmp"));
    fs::write(&unfinished, bytes)?;
    fs::rename(&unfinished, &file)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use guesthouse_test_guests as guest;

    use super::*;

    #[test]
    fn a_middleware_lies_beside_the_apps() {
        let apps = tempfile::tempdir().unwrap();
        let name = AppName::parse("auth-http03").unwrap();
        let placed = place(&name, &guest::bytes(guest::AUTH_HTTP03), apps.path()).unwrap();
        assert!(!placed.is_app && apps.path().join("_auth-http03.wasm").is_file());
        assert!(placed.about.ends_with("`before = [\"_auth-http03.wasm\"]` in the manifest of an app uses it"));
    }

    #[test]
    fn the_same_content_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let apps = folder.path().join("not/yet/there");
        assert!(put("shop", b"one", &apps).unwrap());
        let inode = || fs::metadata(apps.join("shop.wasm")).unwrap().ino();
        let first = inode();
        assert!(!put("shop", b"one", &apps).unwrap());
        assert_eq!(inode(), first);
        assert!(put("shop", b"two", &apps).unwrap());
        assert_eq!(fs::read(apps.join("shop.wasm")).unwrap(), b"two");
        assert_eq!(fs::read_dir(&apps).unwrap().count(), 1);
    }
}

//! A wheel without native code out of a source: its build meets compilers that fail, and what comes of it is looked into.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::python::index::native::normalized;
use crate::python::index::resolve::Chosen;
use crate::python::index::resolve::is_unreached;
use crate::python::wheels::about;
use crate::python::wheels::native::failure;
use crate::python::wheels::shop::Workshop;
use crate::python::wheels::switches;
use crate::run::output;

/// A package that takes longer to turn into a wheel is compiling something, whatever we do against it.
const WITHIN: Duration = Duration::from_secs(300);

/// Programs that compilers are looked for under. With these, whatever needs one fails at once.
const NO_COMPILERS: [&str; 6] = ["CC", "CXX", "LD", "RUSTC", "CARGO", "FC"];

/// What came of it.
pub enum Plain {
    /// A wheel that every Python can load.
    Wheel(PathBuf),
    /// The source needs a compiler, with the reason that its build gave.
    Native(String),
    /// What builds it could not be fetched: with all that pip said.
    Offline(Vec<u8>),
}

/// A command whose compilers fail.
pub fn without_compilers(mut command: Command) -> Command {
    command.envs(NO_COMPILERS.map(|name| (name, "/bin/false")));
    command
}

/// Makes a wheel of the source at `source` in `folder`, which is empty.
pub async fn make(shop: &Workshop<'_>, one: &Chosen, source: &Path, folder: &Path) -> anyhow::Result<Plain> {
    let (home, made, plain) = (folder.join("home"), folder.join("made"), folder.join("plain"));
    for path in [&home, &made, &plain] {
        fs::create_dir(path).context("cannot write to the cache")?;
    }
    let mut pip = without_compilers(shop.tools.pip_that_builds(&home));
    pip.args(["wheel", "--no-deps", "--no-cache-dir", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.arg("--ignore-requires-python").args(&shop.options).args(["--no-binary", &one.name]);
    shop.settings.reach(&mut pip);
    pip.envs(switches::of(&normalized(&one.name)));
    // A path, and not a name that an index could be asked for.
    pip.arg("--wheel-dir").arg(&made).arg(source).current_dir(folder);
    let done = timeout(WITHIN, output(&mut pip)).await;
    let wheels: Vec<PathBuf> = fs::read_dir(&made)?.flatten().map(|entry| entry.path()).collect();
    let said = match done {
        Err(_) => return Ok(Plain::Native(format!("its build took more than {} s", WITHIN.as_secs()))),
        Ok(ended) => ended.context("cannot start pip")?,
    };
    if !said.status.success() {
        return Ok(match is_offline(&said.stderr) {
            true => Plain::Offline(said.stderr),
            false => Plain::Native(failure::why(&[said.stdout, said.stderr].concat())),
        });
    }
    let [wheel] = wheels.as_slice() else { return Ok(Plain::Native("its build left no wheel".to_owned())) };
    match about::native_files(shop.tools, wheel).await?.first() {
        Some((file, _)) => Ok(Plain::Native(format!("its wheel holds `{file}`"))),
        None => Ok(Plain::Wheel(about::plain(shop.tools, wheel, &plain).await?)),
    }
}

/// Whether pip could not even get what the source is built with.
fn is_offline(stderr: &[u8]) -> bool {
    let stderr = String::from_utf8_lossy(stderr);
    is_unreached(&stderr)
        || ["No matching distribution found", "Could not find a version"].iter().any(|sign| stderr.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_network_is_not_taken_for_native_code() {
        assert!(is_offline(b"ERROR: No matching distribution found for setuptools"));
        assert!(!is_offline(b"error: command '/bin/false' failed with exit code 1"));
    }
}

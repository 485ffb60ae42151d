//! A project whose version only its build back end knows: it is asked, and what an install of it has besides its source is
//! taken.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::bail;
use tokio::process::Command;
use tokio::time::timeout;

use crate::progress::say;
use crate::python::index::resolve::why;
use crate::python::install::own;
use crate::python::install::own::Own;
use crate::python::toolchain::environment::with_network;
use crate::python::toolchain::pip::PipSettings;
use crate::python::toolchain::tools::Tools;
use crate::run::output;
use crate::source::stage;

/// A back end that takes longer compiles something.
const WITHIN: Duration = Duration::from_secs(120);

/// By what back ends are told the version that they would ask the repository for, which is not copied.
const VERSIONS: [&str; 3] = ["SETUPTOOLS_SCM_PRETEND_VERSION", "PBR_VERSION", "PDM_BUILD_SCM_VERSION"];

/// Where the files of a build are.
pub struct Places<'build> {
    /// The author's folder.
    pub source: &'build Path,
    /// Those of its files that count.
    pub files: &'build [PathBuf],
    /// The copy that becomes a part of the app.
    pub staged: &'build Path,
    /// An own place for this.
    pub work: PathBuf,
}

/// Installs a project of the source's own, in place. What can be read is enough, unless its version cannot.
pub async fn install(tools: &Tools, own: &Own, places: &Places<'_>) -> anyhow::Result<()> {
    if own.version.is_none() {
        let Err(error) = run(tools, own, places).await else { return Ok(()) };
        say(format_args!(
            "  warning: the build back end of `{}` cannot be run, its source is taken as it is: {error:#}",
            own.name
        ));
    }
    own.write(&places.staged.join(own::FOLDER))
}

/// Installs `own` as pip would, into a place of its own, and adds to the staged source what that has and the source has not:
/// the `dist-info`, and modules that are written by the back end.
async fn run(tools: &Tools, own: &Own, places: &Places<'_>) -> anyhow::Result<()> {
    let Places { source, files, staged, work } = places;
    let (copy, installed) = (work.join("copy"), work.join("installed"));
    fs::create_dir_all(&installed).context("cannot make a folder")?;
    stage::copy(source, files, &copy)?;
    let mut pip = tools.pip();
    pip.args(["install", "--no-deps", "--no-compile", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--ignore-requires-python", "--target"]).arg(&installed).arg(copy.join(&own.folder)).current_dir(work);
    let version = described(source).await;
    pip.envs(VERSIONS.map(|name| (name, &version)));
    let settings: PipSettings = tools.pip_settings().await?;
    settings.look(&mut pip);
    let done = timeout(WITHIN, output(&mut pip)).await.context("its build back end does not end")?;
    let done = done.context("cannot start pip")?;
    if !done.status.success() {
        bail!("{}", why(&String::from_utf8_lossy(&done.stderr)));
    }
    let mut roots = vec![own.folder.trim_start_matches('.').to_owned()];
    roots.extend(own.paths(source));
    add(&installed, Path::new(""), staged, &roots)
}

/// The version that the repository's last tag names.
async fn described(folder: &Path) -> String {
    let mut git = with_network(Path::new("git"));
    let told: Option<String> = async {
        let git: &mut Command = git.arg("-C").arg(folder).args(["describe", "--tags", "--abbrev=0"]);
        let done = output(git).await.ok().filter(|done| done.status.success())?;
        Some(String::from_utf8(done.stdout).ok()?.trim().trim_start_matches('v').to_owned())
    }
    .await;
    let is_version = |version: &String| version.starts_with(|c: char| c.is_ascii_digit());
    told.filter(is_version).unwrap_or_else(|| own::NO_VERSION.to_owned())
}

/// Adds what lies in the folder `below` of what was installed, unless one of the staged `roots` has it.
fn add(installed: &Path, below: &Path, staged: &Path, roots: &[String]) -> anyhow::Result<()> {
    for entry in installed.join(below).read_dir()?.flatten() {
        let name = entry.file_name();
        let path = below.join(&name);
        // Programs for a terminal.
        if below.as_os_str().is_empty() && name == "bin" {
            continue;
        }
        if entry.path().is_dir() {
            add(installed, &path, staged, roots)?;
            continue;
        }
        if roots.iter().any(|root| staged.join(root).join(&path).exists()) {
            continue;
        }
        // Beside the modules of its package, if that is in the source.
        let package = path.components().next().map(|first| first.as_os_str().to_owned()).unwrap_or_default();
        let root =
            roots.iter().find(|root| below.components().count() > 0 && staged.join(root).join(&package).is_dir());
        let to = staged.join(root.map_or(own::FOLDER, String::as_str)).join(&path);
        let folder = to.parent().unwrap_or(staged);
        fs::create_dir_all(folder)
            .and_then(|()| fs::copy(entry.path(), &to).map(drop))
            .with_context(|| format!("cannot write `{}`", to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_source_has_not_is_added() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("staged/src/shop/__init__.py", "source");
        write("installed/shop/__init__.py", "installed");
        write("installed/shop/_version.py", "made");
        write("installed/extra/__init__.py", "made");
        write("installed/shop-1.dist-info/METADATA", "made");
        write("installed/bin/shop", "made");
        add(&root.path().join("installed"), Path::new(""), &root.path().join("staged"), &["src".to_owned()]).unwrap();
        let read = |name: &str| fs::read_to_string(root.path().join("staged").join(name)).ok();
        assert_eq!(read("src/shop/__init__.py").as_deref(), Some("source"));
        assert_eq!(read("src/shop/_version.py").as_deref(), Some("made"));
        for made in ["extra/__init__.py", "shop-1.dist-info/METADATA"] {
            assert!(read(&format!("{}/{made}", own::FOLDER)).is_some(), "{made}");
        }
        assert_eq!(read(&format!("{}/bin/shop", own::FOLDER)), None);
    }
}

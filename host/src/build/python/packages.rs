//! The packages that an app needs, installed for the guest into the cache: once for each list of requirements.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use tokio::process::Command;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::build::cache::Cache;
use crate::build::python::native;
use crate::build::python::requirements::Requirements;
use crate::build::python::resolve::Chosen;
use crate::build::python::resolve::Source;
use crate::build::python::resolve::is_pure;
use crate::build::python::resolve::read;
use crate::build::python::resolve::why;
use crate::build::python::tools::Tools;
use crate::build::python::tools::resolver;
use crate::build::run::output;
use crate::build::say::say;
use crate::build::say::seconds;
use crate::name::Digest;

/// A package that takes longer to turn into a wheel is compiling something, whatever we do against it.
const WHEEL_WITHIN: std::time::Duration = std::time::Duration::from_secs(300);

/// Programs that compilers are looked for under. With these, whatever needs one fails at once.
const NO_COMPILERS: [&str; 6] = ["CC", "CXX", "LD", "RUSTC", "CARGO", "FC"];

/// Where packages lie in an entry of the cache.
const SITE: &str = "site";
const CHOSEN: &str = "chosen.json";

/// Installs what the source in `folder` requires, unless that was done before, and gives the folder with the packages.
pub async fn install(
    cache: &Cache,
    tools: &Tools,
    folder: &Path,
    requirements: &Requirements,
) -> anyhow::Result<PathBuf> {
    let begun = Instant::now();
    let name = key(requirements).short().to_string();
    let mut fresh = false;
    let installed = cache.made("deps", &name, async |draft| {
        fresh = true;
        if !requirements.is_empty() {
            say(format_args!("  resolving {} for Python 3.14 in WebAssembly…", requirements.origin));
        }
        make(tools, folder, requirements, draft).await
    });
    let installed = installed.await?;
    let chosen = fs::read(installed.join(CHOSEN)).context("cannot read what was chosen")?;
    let chosen: Vec<Chosen> = serde_json::from_slice(&chosen).context("cannot read what was chosen")?;
    let names: Vec<String> = chosen.iter().map(told).collect();
    match (names.is_empty(), fresh) {
        (true, _) => {}
        (false, true) => say(format_args!("  dependencies {}: {}", seconds(begun.elapsed()), names.join(", "))),
        (false, false) => say(format_args!("  dependencies as before: {}", names.join(", "))),
    }
    Ok(installed.join(SITE))
}

/// The same for the same requirements and tools. What an index has newer since then does not count until a line changes.
fn key(requirements: &Requirements) -> Digest {
    Digest::of(format!("{}\n{}", resolver(), requirements.text).as_bytes())
}

fn told(chosen: &Chosen) -> String {
    let how = if chosen.source == Source::Pure { "" } else { " (from its source)" };
    format!("{} {}{how}", chosen.name, chosen.version)
}

async fn make(tools: &Tools, folder: &Path, requirements: &Requirements, draft: &Path) -> anyhow::Result<()> {
    let (site, wheels) = (draft.join(SITE), draft.join("wheels"));
    fs::create_dir(&site).and_then(|()| fs::create_dir(&wheels)).context("cannot write to the cache")?;
    let chosen = match requirements.is_empty() {
        true => Vec::new(),
        false => resolve(tools, folder, requirements, &draft.join("report.json")).await?,
    };
    let refused: Vec<String> = chosen.iter().filter_map(is_known_native).collect();
    if !refused.is_empty() {
        bail!("{}", refuse(&refused));
    }
    for one in &chosen {
        if let Source::Build(what) = &one.source {
            build_wheel(tools, one, what, &wheels).await?;
        }
    }
    if !chosen.is_empty() {
        let mut pip = without_compilers(tools.pip());
        pip.args(["install", "--no-deps", "--no-compile", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip.args([
            "--python-version",
            "3.14",
            "--platform",
            "any",
            "--only-binary",
            ":all:",
            "--ignore-requires-python",
        ]);
        pip.arg("--target").arg(&site).arg("--find-links").arg(&wheels);
        pip.args(chosen.iter().map(|one| format!("{}=={}", one.name, one.version)));
        let done = output(&mut pip).await.context("cannot start pip")?;
        if !done.status.success() {
            bail!("the packages cannot be installed: {}", why(&String::from_utf8_lossy(&done.stderr)));
        }
    }
    // Programs for a terminal.
    let _ = fs::remove_dir_all(site.join("bin"));
    fs::remove_dir_all(&wheels).context("cannot write to the cache")?;
    fs::write(draft.join(CHOSEN), serde_json::to_vec_pretty(&chosen)?).context("cannot write to the cache")
}

/// Asks pip which packages belong together, as if each could be had.
async fn resolve(tools: &Tools, folder: &Path, wanted: &Requirements, report: &Path) -> anyhow::Result<Vec<Chosen>> {
    let mut pip = without_compilers(tools.pip_for_guest());
    pip.args(["install", "--dry-run", "--ignore-installed", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.arg("--report").arg(report).current_dir(folder);
    for file in &wanted.files {
        pip.args(["-r", file]);
    }
    pip.args(&wanted.lines);
    let done = output(&mut pip).await.context("cannot start pip")?;
    if !done.status.success() {
        bail!("{} cannot be resolved: {}", wanted.origin, why(&String::from_utf8_lossy(&done.stderr)));
    }
    read(&fs::read(report).context("pip wrote no report")?)
}

/// Nobody tries to build what is known to need a compiler.
fn is_known_native(one: &Chosen) -> Option<String> {
    let is_native = one.source != Source::Pure && native::instead(&one.name).is_some();
    is_native.then(|| native::refusal(&one.name, &one.version, &one.needed_by))
}

fn refuse(refused: &[String]) -> String {
    format!(
        "{} (what the app needs without it can be said in guesthouse.toml, as `[build]` `requirements = [\"…\"]`)",
        refused.join("; ")
    )
}

/// Makes a wheel of a package's source, with compilers that fail: what comes of it is pure, or does not come.
async fn build_wheel(tools: &Tools, one: &Chosen, what: &str, wheels: &Path) -> anyhow::Result<()> {
    let mut pip = without_compilers(tools.pip());
    pip.args([
        "wheel",
        "--no-deps",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--ignore-requires-python",
    ]);
    pip.args(["--no-binary", &one.name]).arg("--wheel-dir").arg(wheels).arg(what);
    let done = timeout(WHEEL_WITHIN, output(&mut pip)).await;
    let prefix = native::normalized(&one.name).replace('-', "_");
    let is_its =
        |file: &str| native::normalized(file).replace('-', "_").starts_with(&format!("{prefix}_")) && is_pure(file);
    let made = fs::read_dir(wheels)?.flatten().any(|entry| is_its(&entry.file_name().to_string_lossy()));
    match done {
        _ if made => Ok(()),
        Ok(Err(error)) => Err(error).context("cannot start pip"),
        Ok(Ok(ended)) if !ended.status.success() && is_offline(&ended.stderr) => {
            bail!("`{what}` cannot be built: {}", why(&String::from_utf8_lossy(&ended.stderr)))
        }
        Ok(Ok(_)) | Err(_) => bail!("{}", refuse(&[native::refusal(&one.name, &one.version, &one.needed_by)])),
    }
}

/// Whether pip could not even get the source, or what it is built with.
fn is_offline(stderr: &[u8]) -> bool {
    let stderr = String::from_utf8_lossy(stderr);
    [
        "No matching distribution found",
        "Could not find a version",
        "Network is unreachable",
        "Temporary failure in name",
    ]
    .iter()
    .any(|sign| stderr.contains(sign))
}

fn without_compilers(mut command: Command) -> Command {
    command.envs(NO_COMPILERS.map(|name| (name, "/bin/false")));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_native_code_is_refused_by_name() {
        let one = |name: &str, source| Chosen {
            name: name.to_owned(),
            version: "2.0".to_owned(),
            source,
            needed_by: vec!["pydantic".to_owned()],
        };
        assert_eq!(is_known_native(&one("pydantic_core", Source::Pure)), None);
        assert_eq!(is_known_native(&one("markupsafe", Source::Build(String::new()))), None);
        let refusal = is_known_native(&one("pydantic_core", Source::Build(String::new()))).unwrap();
        assert!(refusal.starts_with("`pydantic_core` 2.0, needed by pydantic needs native code"), "{refusal}");
        assert!(refuse(&[refusal]).contains("`requirements = "));
    }

    #[test]
    fn another_line_is_another_set() {
        let with = |text: &str| key(&Requirements { text: text.to_owned(), ..Requirements::default() });
        assert_eq!(with("flask\n"), with("flask\n"));
        assert_ne!(with("flask\n"), with("flask>=3\n"));
    }

    #[test]
    fn a_missing_network_is_not_taken_for_native_code() {
        assert!(is_offline(b"ERROR: No matching distribution found for setuptools"));
        assert!(!is_offline(b"error: command '/bin/false' failed with exit code 1"));
    }
}

//! A wheel with native code for the guest: the package's own build, in an environment of its own, with compilers that make
//! WebAssembly.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use tokio::time::Instant;

use crate::progress::say;
use crate::progress::seconds;
use crate::progress::size;
use crate::python::index::resolve::Chosen;
use crate::python::index::resolve::is_unreached;
use crate::python::wheels::about;
use crate::python::wheels::about::Unpacked;
use crate::python::wheels::given::Failed;
use crate::python::wheels::given::Given;
use crate::python::wheels::kept;
use crate::python::wheels::kept::Kept;
use crate::python::wheels::native::c;
use crate::python::wheels::native::failure;
use crate::python::wheels::native::recipe::recipe_digest;
use crate::python::wheels::native::rust;
use crate::python::wheels::shop::Workshop;
use crate::run::output;

/// Compiles `one`, and keeps the wheel under `name` in the cache.
pub async fn compile(
    shop: &Workshop<'_>,
    one: &Chosen,
    source: &Unpacked,
    name: &str,
    asked: bool,
) -> Result<PathBuf, Failed> {
    let mut failed = None;
    let made =
        shop.cache.made(kept::KIND, name, async |draft| match build(shop, one, source, name, asked, draft).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let _ = fs::remove_dir_all(draft);
                failed = Some(error);
                anyhow::bail!("it did not build")
            }
        });
    let made = made.await;
    match (made, failed) {
        (_, Some(failed)) => Err(failed),
        (Ok(folder), None) => Ok(kept::read(&folder)?.0),
        (Err(error), None) => Err(error.into()),
    }
}

async fn build(
    shop: &Workshop<'_>,
    one: &Chosen,
    source: &Unpacked,
    name: &str,
    asked: bool,
    draft: &Path,
) -> Result<(), Failed> {
    let begun = Instant::now();
    let work = draft.join("work");
    let (env, home, made, recipe) = (work.join("env"), work.join("home"), work.join("made"), work.join("recipe"));
    for path in [&work, &home, &made, &recipe] {
        fs::create_dir(path).context("cannot write to the cache")?;
    }
    let given = match source.cargo {
        true => rust::given(shop, &source.folder, &recipe, &work.join("target")).await?,
        false => c::given(shop, &recipe).await?,
    };
    say(format_args!(
        "  compiling `{}` {} for the guest with {}, once; it may take minutes…",
        one.name, one.version, given.with
    ));
    environment(shop, source, &given, &env, &home).await?;
    let mut pip = shop.tools.pip_that_builds_in(&env, &home);
    given.give(&env, &mut pip);
    pip.args(["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--verbose", "--no-input"]);
    pip.args(["--disable-pip-version-check", "--ignore-requires-python", "--wheel-dir"]).arg(&made);
    pip.arg(&source.folder).current_dir(&work);
    let ended = output(&mut pip).await.context("cannot start pip")?;
    let said = [ended.stdout, ended.stderr].concat();
    if !ended.status.success() {
        tracing::debug!(target: "guesthouse::build", "{}", String::from_utf8_lossy(&said));
        return Err(Failed::Refused(format!("{} did not compile it: {}", given.with, failure::why(&said))));
    }
    let wheels: Vec<PathBuf> =
        fs::read_dir(&made).context("cannot read the cache")?.flatten().map(|entry| entry.path()).collect();
    let [wheel] = wheels.as_slice() else { return Err(Failed::Refused("its build left no wheel".to_owned())) };
    let files = about::native_files(shop.tools, wheel).await?;
    if let Some((file, _)) = files.iter().find(|(_, is_wasm)| !is_wasm) {
        let why =
            format!("its build left `{file}`, which is not WebAssembly: it does not let others choose the compiler");
        return Err(Failed::Refused(why));
    }
    let plain = about::plain(shop.tools, wheel, draft).await?;
    fs::remove_dir_all(&work).context("cannot write to the cache")?;
    let file = plain.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let kept = Kept {
        name: one.name.clone(),
        version: one.version.clone(),
        with: given.with,
        seconds: begun.elapsed().as_secs_f64(),
        file,
        asked,
        key: name.to_owned(),
        recipe: recipe_digest().to_string(),
    };
    kept::write(draft, &kept)?;
    let bytes = plain.metadata().map_or(0, |metadata| metadata.len()) as usize;
    let folder = draft.with_file_name(name);
    say(format_args!("  compiled in {}: {}, kept in {}", seconds(begun.elapsed()), size(bytes), folder.display()));
    Ok(())
}

/// Makes the environment at `env`: what the source names (PEP 518), from where the app's packages come from.
async fn environment(
    shop: &Workshop<'_>,
    source: &Unpacked,
    given: &Given,
    env: &Path,
    home: &Path,
) -> Result<(), Failed> {
    let mut venv = shop.tools.venv(home);
    let made = output(venv.arg(env)).await.context("cannot start Python")?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
        return Err(Failed::Other(anyhow::anyhow!("no environment to build a package in: {said}")));
    }
    let lib = fs::read_dir(env.join("lib")).context("cannot read the cache")?.flatten().next();
    let site = lib.context("an environment without packages")?.path().join("site-packages");
    let lines: Vec<String> = given.tools.iter().map(|tool| format!("{}\n", tool.display())).collect();
    fs::write(site.join("guesthouse.pth"), lines.concat()).context("cannot write to the cache")?;
    let mut pip = shop.tools.pip_that_builds_in(env, home);
    pip.args(["install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(&shop.options).args(&source.requires);
    // What these build scripts ask for besides (PEP 517, `get_requires_for_build_wheel`) is nearly always this.
    pip.args(["setuptools", "wheel"]);
    shop.settings.reach(&mut pip);
    let done = output(&mut pip).await.context("cannot start pip")?;
    if done.status.success() {
        return Ok(());
    }
    match is_unreached(&String::from_utf8_lossy(&done.stderr)) {
        true => Err(Failed::Offline(done.stderr)),
        false => {
            let why = failure::why(&done.stderr);
            Err(Failed::Refused(format!("what it is built with ({}) cannot be had: {why}", source.requires.join(", "))))
        }
    }
}

//! `guesthouse wheels`: compiling packages before an app needs them, and handing them to others.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;

use crate::cache::tools::Cache;
use crate::progress::say;
use crate::progress::seconds;
use crate::progress::size;
use crate::python::index::native::normalized;
use crate::python::index::resolve::Chosen;
use crate::python::index::resolve::Source;
use crate::python::install::packages;
use crate::python::needs::requirements::Requirements;
use crate::python::toolchain::tools::Tools;
use crate::python::wheels::about;
use crate::python::wheels::given::Failed;
use crate::python::wheels::kept;
use crate::python::wheels::native::compile;
use crate::python::wheels::native::recipe::recipe_digest;
use crate::python::wheels::shop::Workshop;

/// Compiles `packages` (requirements, as pip takes them), and no others. They count from then on before wheels of the same
/// source without native code.
pub async fn build(packages: &[String]) -> anyhow::Result<()> {
    let cache = Cache::of_process()?;
    let tools = Tools::ready(&cache).await?;
    let settings = tools.pip_settings().await?;
    let draft = tempfile::tempdir().context("cannot make a temporary folder")?;
    let files = draft.path().join("files");
    fs::create_dir(&files).context("cannot write a temporary file")?;
    let wanted = Requirements {
        lines: packages.to_vec(),
        options: vec!["--no-deps".to_owned()],
        origin: packages.join(", "),
        ..Requirements::default()
    };
    let here = std::env::current_dir().context("there is no current folder")?;
    let chosen = packages::resolve(&tools, &settings, &here, &wanted, &[], draft.path()).await?;
    let options = packages::places(&files)?;
    let shop = Workshop { tools: &tools, cache: &cache, settings: &settings, options };
    let mut refused = Vec::new();
    for one in &chosen {
        if let Some(why) = build_one(&shop, one, &files).await? {
            refused.push(why);
        }
    }
    if refused.is_empty() { Ok(()) } else { bail!("{}", refused.join("; ")) }
}

/// The reason, if it does not build.
async fn build_one(shop: &Workshop<'_>, one: &Chosen, files: &Path) -> anyhow::Result<Option<String>> {
    let Chosen { name, version, .. } = one;
    match one.source {
        Source::Build | Source::Compiled | Source::LeftOut | Source::StoodIn => {}
        Source::Pure | Source::Wasi => {
            say(format_args!("`{name}` {version} needs no compiler: builds take it as it is"));
            return Ok(None);
        }
        Source::Native => return Ok(Some(format!("`{name}` {version}: its source is not to be had"))),
    }
    let source = files.join(&one.kept);
    let key = kept::name(one, &source)?;
    if let Some(folder) = shop.cache.there(kept::KIND, &key) {
        kept::ask_for(&folder)?;
        say(format_args!("`{name}` {version} is there already, in {}", folder.display()));
        return Ok(None);
    }
    let work = files.join(format!("made-{}", normalized(name)));
    fs::create_dir(&work).context("cannot write a temporary file")?;
    let unpacked = about::unpack(shop.tools, &source, &work).await?;
    match compile::compile(shop, one, &unpacked, &key, true).await {
        Ok(_) => Ok(None),
        Err(Failed::Refused(why)) => Ok(Some(format!("`{name}` {version}: {why}"))),
        Err(Failed::Offline(said)) => Ok(Some(format!(
            "`{name}` {version}: {}",
            crate::python::index::resolve::why(&String::from_utf8_lossy(&said))
        ))),
        Err(Failed::Other(error)) => Err(error),
    }
}

/// Copies all that was compiled for today's guests into `folder`: each as a wheel that is tagged for WASI (pip takes them
/// with `--find-links`), and what is known of it beside it.
pub async fn export(folder: &Path) -> anyhow::Result<()> {
    let cache = Cache::of_process()?;
    let tools = Tools::ready(&cache).await?;
    let all = kept::all(&cache);
    if all.is_empty() {
        bail!("nothing was compiled yet: `guesthouse wheels build PACKAGE` does that, or the build of an app");
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    for (wheel, kept) in all.values() {
        let path = about::tagged(&tools, wheel, folder).await?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = path.metadata().map_or(0, |metadata| metadata.len()) as usize;
        say(format_args!(
            "{file}: {}, with {} in {}",
            size(bytes),
            kept.with,
            seconds(std::time::Duration::from_secs_f64(kept.seconds))
        ));
        let about = serde_json::to_vec_pretty(kept)?;
        fs::write(folder.join(format!("{file}.json")), about)
            .with_context(|| format!("cannot write to `{}`", folder.display()))?;
    }
    Ok(())
}

/// Takes what [`export`] wrote into `folder` into the cache.
pub async fn import(folder: &Path) -> anyhow::Result<()> {
    let cache = Cache::of_process()?;
    let tools = Tools::ready(&cache).await?;
    let entries = folder.read_dir().with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut taken = 0;
    for wheel in files.iter().filter(|path| path.extension().is_some_and(|end| end == "whl")) {
        let shown = wheel.file_name().unwrap_or_default().display();
        let Ok(text) = fs::read(format!("{}.json", wheel.display())) else {
            say(format_args!("{shown} is passed over: `{shown}.json` is not beside it"));
            continue;
        };
        let mut known: kept::Kept =
            serde_json::from_slice(&text).with_context(|| format!("`{shown}.json` cannot be read"))?;
        if known.recipe != recipe_digest().to_string() || !is_name(&known.key) {
            say(format_args!("{shown} is passed over: another version of guesthouse has compiled it"));
            continue;
        }
        let key = known.key.clone();
        cache
            .made(kept::KIND, &key, async |draft| {
                let plain = about::plain(&tools, wheel, draft).await?;
                known.file = plain.file_name().unwrap_or_default().to_string_lossy().into_owned();
                known.asked = true;
                kept::write(draft, &known)
            })
            .await?;
        say(format_args!("{shown} is kept for builds"));
        taken += 1;
    }
    if taken == 0 {
        bail!("`{}` holds no wheel that `guesthouse wheels export` wrote", folder.display())
    }
    Ok(())
}

/// Whether a name out of a file may become that of a folder.
fn is_name(key: &str) -> bool {
    !key.is_empty() && !key.starts_with('.') && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+!".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert!(is_name("orjson-3.13.0-44d7e094272b"));
        for other in ["", "../x", "a/b", ".."] {
            assert!(!is_name(other), "{other}");
        }
    }
}

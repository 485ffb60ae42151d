//! Wheels that were compiled, in the cache: each by what it was made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use guesthouse_types::name::Digest;
use serde::Deserialize;
use serde::Serialize;

use crate::cache::tools::Cache;
use crate::python::index::native::normalized;
use crate::python::index::resolve::Chosen;
use crate::python::wheels::native::recipe::recipe;
use crate::python::wheels::native::recipe::recipe_digest;

/// The kind of folder in the cache.
pub const KIND: &str = "wheels";
/// What is said of a wheel, beside it.
const ABOUT: &str = "wheel.json";

/// What is known of a wheel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The package, as its author writes it.
    pub name: String,
    /// Which one.
    pub version: String,
    /// What compiled it.
    pub with: String,
    /// How long that took, in seconds.
    pub seconds: f64,
    /// The file's name.
    pub file: String,
    /// Whether somebody asked for it: it counts then before one without native code.
    pub asked: bool,
    /// What it is called in the cache: what it was made of, and by which recipe.
    pub key: String,
    /// The recipe, for telling whether it is today's.
    pub recipe: String,
}

/// What a wheel of `one`, whose source lies at `source`, is called in the cache: by its source, our recipe and the Python
/// that it is for.
pub fn name(one: &Chosen, source: &Path) -> anyhow::Result<String> {
    let of = if one.sha256.is_empty() { digest_of(source)?.to_string() } else { one.sha256.clone() };
    let key = Digest::of(format!("{of}\n{}", recipe()).as_bytes());
    Ok(format!("{}-{}-{}", normalized(&one.name), one.version, key.short()))
}

/// The wheel in the folder of the cache, and what is known of it.
pub fn read(folder: &Path) -> anyhow::Result<(PathBuf, Kept)> {
    let about = fs::read(folder.join(ABOUT)).with_context(|| format!("`{}` holds no wheel", folder.display()))?;
    let kept: Kept = serde_json::from_slice(&about).context("what is known of a wheel cannot be read")?;
    Ok((folder.join(&kept.file), kept))
}

/// Writes down what is known of a wheel.
pub fn write(folder: &Path, kept: &Kept) -> anyhow::Result<()> {
    fs::write(folder.join(ABOUT), serde_json::to_vec_pretty(kept)?).context("cannot write to the cache")
}

/// Says that somebody asked for it.
pub fn ask_for(folder: &Path) -> anyhow::Result<()> {
    let (_, mut kept) = read(folder)?;
    kept.asked = true;
    write(folder, &kept)
}

/// All wheels of today's recipe, by their names in the cache.
pub fn all(cache: &Cache) -> BTreeMap<String, (PathBuf, Kept)> {
    let names = cache.names(KIND);
    let read = names.into_iter().filter_map(|name| {
        let found = read(&cache.there(KIND, &name)?).ok()?;
        (found.1.recipe == recipe_digest().to_string()).then_some((name, found))
    });
    read.collect()
}

/// Those that somebody asked for, for telling whether something changed.
pub fn asked(cache: &Cache) -> String {
    all(cache).into_iter().filter(|(_, (_, kept))| kept.asked).map(|(name, _)| format!("{name}\n")).collect()
}

fn digest_of(path: &Path) -> anyhow::Result<Digest> {
    if path.is_file() {
        return Ok(Digest::of(&fs::read(path).context("cannot read a package's source")?));
    }
    let mut all = String::new();
    for entry in ignore::WalkBuilder::new(path).standard_filters(false).sort_by_file_path(Path::cmp).build().flatten() {
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            let bytes = fs::read(entry.path()).context("cannot read a package's source")?;
            let shown = entry.path().strip_prefix(path).unwrap_or(entry.path()).display();
            all.push_str(&format!("{shown} {}\n", Digest::of(&bytes)));
        }
    }
    Ok(Digest::of(all.as_bytes()))
}

//! The ways to a wheel, in order: one that was compiled before and asked for, a pure one, one that is compiled now.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::python::index::native;
use crate::python::index::resolve::Chosen;
use crate::python::wheels::about;
use crate::python::wheels::given::Failed;
use crate::python::wheels::kept;
use crate::python::wheels::native::compile;
use crate::python::wheels::plain;
use crate::python::wheels::plain::Plain;
use crate::python::wheels::shop::Workshop;

/// How a wheel came to be.
pub enum Wheel {
    /// Without native code.
    Plain(PathBuf),
    /// Compiled for the guest.
    Compiled(PathBuf),
    /// It did not: in one sentence.
    Refused(String),
    /// Something that builds it could not be fetched, with all that pip said.
    Offline(Vec<u8>),
}

/// A wheel of the source of `one` at `source`. It lies in `work`, an empty folder, or in the cache.
pub async fn wheel(shop: &Workshop<'_>, one: &Chosen, source: &Path, work: &Path) -> anyhow::Result<Wheel> {
    let name = kept::name(one, source)?;
    let before = shop.cache.there(kept::KIND, &name).and_then(|folder| kept::read(&folder).ok());
    if let Some((wheel, known)) = &before
        && known.asked
    {
        return Ok(Wheel::Compiled(wheel.clone()));
    }
    if native::in_the_way(&one.name).is_some() {
        return Ok(Wheel::Refused(native::refusal(&one.name, &one.version, &one.needed_by, "")));
    }
    let (unpacked, tried) = (work.join("unpacked"), work.join("tried"));
    fs::create_dir(&unpacked).and_then(|()| fs::create_dir(&tried)).context("cannot write to the cache")?;
    let found = about::unpack(shop.tools, source, &unpacked).await?;
    if !found.cargo {
        match plain::make(shop, one, source, &tried).await? {
            Plain::Wheel(wheel) => return Ok(Wheel::Plain(wheel)),
            Plain::Offline(said) => return Ok(Wheel::Offline(said)),
            Plain::Native(why) => {
                tracing::debug!(target: "guesthouse::build", "`{}` is not pure: {why}", one.name);
            }
        }
    }
    if let Some((wheel, _)) = before {
        return Ok(Wheel::Compiled(wheel));
    }
    match compile::compile(shop, one, &found, &name, false).await {
        Ok(wheel) => Ok(Wheel::Compiled(wheel)),
        Err(Failed::Offline(said)) => Ok(Wheel::Offline(said)),
        Err(Failed::Refused(why)) => Ok(Wheel::Refused(native::refusal(&one.name, &one.version, &one.needed_by, &why))),
        Err(Failed::Other(error)) => Err(error),
    }
}

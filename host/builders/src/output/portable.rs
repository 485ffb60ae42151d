//! `guesthouse build --portable`: gateway apps that any host of `wasi:http` 0.2 can serve, each with the adapter before it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use anyhow::anyhow;
use guesthouse_component::compose::portable;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::inspect;
use guesthouse_types::name::AppName;

use crate::output::adapter::adapter;
use crate::output::install::Built;
use crate::output::install::Placed;
use crate::output::install::place;
use crate::progress::say;

/// Puts what was `built` into the folder `plain` into the folder `apps`, as it can be served elsewhere too.
pub async fn convert(built: &Built, plain: &Path, apps: &Path) -> anyhow::Result<Built> {
    let mut made = Built { failed: built.failed.clone(), ..Built::default() };
    let mut files: Vec<_> = fs::read_dir(plain)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(|file| file.file_name());
    for file in files {
        // A middleware's begins with `_`.
        let name = file.path().file_stem().unwrap_or_default().to_string_lossy().trim_start_matches('_').to_owned();
        let name = AppName::parse(&name)?;
        match convert_one(&name, &file.path(), apps).await {
            Ok(Placed { is_app: true, digest, .. }) => _ = made.apps.insert(name, digest),
            Ok(_) => {}
            Err(error) => {
                say(format_args!("error: `{name}` was built, but {error:#}"));
                made.failed.insert(name, format!("{error:#}"));
            }
        }
    }
    Ok(made)
}

async fn convert_one(name: &AppName, file: &Path, apps: &Path) -> anyhow::Result<Placed> {
    let bytes = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let lane = inspect(&bytes).map_err(|error| anyhow!("it is not an app: {error}"))?.lane;
    if lane != Lane::Gateway {
        let placed = place(name, &bytes, apps)?;
        say(format_args!("portable as it is: {name} ({})", placed.about));
        return Ok(placed);
    }
    let whole = portable(&adapter().await?, &bytes).context("the adapter does not fit before it")?;
    let placed = place(name, &whole, apps)?;
    say(format_args!("portable: {name} ({}, with the adapter before it)", placed.about));
    Ok(placed)
}

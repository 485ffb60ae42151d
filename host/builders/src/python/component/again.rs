//! What comes of a component that was made, or was not: whether it is made once more with the app outside of its snapshot.

use std::path::Path;

use anyhow::anyhow;
use anyhow::bail;

use crate::progress::say;
use crate::python::component::environ::Remembered;
use crate::python::component::report::Report;
use crate::python::component::snapshot::Failed;
use crate::python::component::snapshot::Made;
use crate::python::install::outdated;
use crate::python::install::packages::Packages;
use crate::python::toolchain::tools::Tools;

/// Why each instance has to import the app, which was in memory at first.
pub enum Again {
    /// It does what an instance alone can do.
    Instance(String),
    /// It reads its environment. Values of this machine must not become the app's, and those of the place where it runs are
    /// not known here.
    Environment(Remembered),
}

impl Again {
    /// Of what was made first, if it has to be made again.
    pub async fn of(made: &Result<Made, Failed>, report: &Report, tools: &Tools, packages: &Packages) -> Option<Again> {
        if let Some(why) = report.asks_for_an_instance() {
            return Some(Again::Instance(why));
        }
        let remembered = Remembered::of(&report.environment)?;
        // No environment helps code for an older Python.
        match made {
            Err(Failed::App(report)) if outdated_in(report, tools, packages).await.is_some() => None,
            _ => Some(Again::Environment(remembered)),
        }
    }

    /// Says so.
    pub fn tell(&self, made: &Result<Made, Failed>) {
        match self {
            Again::Instance(why) => say(format_args!(
                "  the app cannot be kept in memory: {why}: only the libraries are, and each instance imports it"
            )),
            Again::Environment(remembered) => {
                say(format_args!(
                    "  {remembered} (`[build]` `snapshot = \"app\"` would keep it in memory as it is now)"
                ));
                if let Err(Failed::App(report)) = made {
                    let why = report.refused.as_deref().and_then(|why| why.lines().next()).unwrap_or("no reason told");
                    say(format_args!("  warning: without them it fails: {why}"));
                }
            }
        }
    }
}

/// What was made, or why not, for people. The source is in `folder`.
pub async fn outcome(
    made: Result<Made, Failed>,
    folder: &Path,
    tools: &Tools,
    packages: &Packages,
) -> anyhow::Result<Made> {
    let report = match made {
        Ok(made) => return Ok(made),
        Err(Failed::Other(error)) => return Err(error),
        Err(Failed::App(report)) => report,
    };
    let known = outdated_in(&report, tools, packages).await;
    match report.failure(folder, known.as_deref()) {
        Some(why) => bail!("{why}"),
        None => Err(anyhow!("the app cannot be built, and nothing was said about it")),
    }
}

/// What the app needs that went with an older Python, if that is why it failed.
async fn outdated_in(report: &Report, tools: &Tools, packages: &Packages) -> Option<String> {
    let (refused, traceback) = (report.refused.as_deref(), report.traceback.as_deref());
    let (refused, traceback) = (refused.unwrap_or_default(), traceback.unwrap_or_default());
    outdated::told(tools, refused, traceback, &packages.site, packages.chosen()).await
}

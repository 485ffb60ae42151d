//! The component itself: the app is started within the guest, warmed up, and what is in memory then is written down.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use serde::Serialize;
use tokio::time::Instant;

use crate::builders::python::report::Report;
use crate::builders::python::tools::Tools;
use crate::builders::run::output;
use crate::builders::say::say;
use crate::builders::say::seconds;
use crate::builders::settings::Interface;
use crate::builders::settings::Snapshot;
use crate::builders::words::Request;
use crate::builders::words::Words;

/// What the SDK is told, in the words of `sdk/python/guesthouse/settings.py`.
#[derive(Clone, Debug, Serialize)]
pub struct Given<'build> {
    /// `module:callable`
    pub app: &'build str,
    /// Which interface the callable has.
    pub interface: &'static str,
    /// What is imported now.
    pub snapshot: &'static str,
    /// What the app answers now.
    pub warm: &'build [Request],
    /// What is run now.
    pub run: &'build [Words],
    /// What is run once for each revision that has state.
    pub prepare: &'build [Words],
    /// What is not bundled.
    pub exclude: &'build [String],
    /// Where the compiled standard library lies in the guest.
    pub stdlib: &'static str,
    /// What tells this build from others.
    pub build: String,
    /// When the app was edited last, in seconds since 1970.
    pub time: u64,
}

/// The folders of one build, below one that is its own.
pub struct Places {
    /// The staged app: `/0`.
    pub app: PathBuf,
    /// The entry module and the report: `/3`.
    own: PathBuf,
    /// Nothing at all.
    empty: PathBuf,
    component: PathBuf,
}

/// A component, and what the SDK says about it.
pub struct Made {
    /// It.
    pub component: Vec<u8>,
    /// What was said.
    pub report: Report,
}

/// Why there is no component.
pub enum Failed {
    /// The app's own code: with a report.
    App(Report),
    /// Anything else.
    Other(anyhow::Error),
}

impl Places {
    /// Makes them below `folder`, which is empty.
    pub fn make(folder: &Path) -> anyhow::Result<Places> {
        let places = Places {
            app: folder.join("app"),
            own: folder.join("own"),
            empty: folder.join("empty"),
            component: folder.join("app.wasm"),
        };
        for path in [&places.app, &places.own, &places.empty] {
            fs::create_dir(path).with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        }
        Ok(places)
    }
}

/// How the SDK calls an interface.
pub fn interface(interface: Option<Interface>) -> &'static str {
    match interface {
        None => "auto",
        Some(Interface::Wsgi) => "wsgi",
        Some(Interface::Asgi) => "asgi",
    }
}

/// How the SDK calls what is imported.
pub fn snapshot(snapshot: Snapshot) -> &'static str {
    match snapshot {
        Snapshot::App => "app",
        Snapshot::Libraries => "libraries",
    }
}

/// Makes the component of the app that was staged at `places`. Dropping the future kills the tool.
pub async fn make(tools: &Tools, places: &Places, packages: &Path, given: &Given<'_>) -> Result<Made, Failed> {
    let begun = Instant::now();
    let report = run(tools, places, packages, given).await.map_err(Failed::Other)?;
    let component = match (report, fs::read(&places.component)) {
        (Ok(report), Ok(component)) => Made { component, report },
        (Ok(report), Err(error)) => match report.refused {
            Some(_) => return Err(Failed::App(report)),
            None => {
                let error = anyhow::Error::new(error).context("componentize-py left no component");
                return Err(Failed::Other(error));
            }
        },
        (Err(report), _) => return Err(Failed::App(report)),
    };
    let told = component.report.told();
    let told = if told.is_empty() { "the app is imported by each instance".to_owned() } else { told.join(", ") };
    say(format_args!("  snapshot {}: {told}", seconds(begun.elapsed())));
    for warning in &component.report.warnings {
        say(format_args!("  warning: {warning}"));
    }
    Ok(component)
}

/// Runs the tool. The inner error is the app's.
async fn run(
    tools: &Tools,
    places: &Places,
    packages: &Path,
    given: &Given<'_>,
) -> anyhow::Result<Result<Report, Report>> {
    let Places { app, own, empty, component } = places;
    for entry in fs::read_dir(own)?.flatten() {
        let _ = fs::remove_file(entry.path());
    }
    let _ = fs::remove_file(component);
    fs::write(own.join("guesthouse_entry.py"), entry(given)?)?;
    // A copy, because the app may write beside its entry.
    fs::copy(&tools.stdlib, own.join("stdlib.bundle")).context("cannot copy the standard library")?;
    let mut componentize = tools.componentize("guesthouse_entry", [app, packages, own], empty, component);
    let ended = output(&mut componentize).await.context("cannot start componentize-py")?;
    let report = Report::read(own);
    match (ended.status.success(), report) {
        (true, report) => Ok(Ok(report.unwrap_or_default())),
        (false, Some(report)) if report.refused.is_some() => Ok(Err(report)),
        (false, _) => bail!("componentize-py failed:\n{}", String::from_utf8_lossy(&ended.stderr).trim()),
    }
}

/// The module that the component begins with. JSON without `true`, `false` and `null` is Python as well.
fn entry(given: &Given<'_>) -> anyhow::Result<String> {
    let given = serde_json::to_string(given)?;
    Ok(format!(
        "import sys\n\n# The folders are the builder's, and the same for other builds.\nsys.dont_write_bytecode = True\n\n\
         from guesthouse.entry import exports\n\nIncomingHandler, Lifecycle = exports({given})\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_python() {
        let warm = [Request {
            path: "/login".to_owned(),
            method: "POST".to_owned(),
            headers: [("content-type".to_owned(), "text/\"x\"".to_owned())].into(),
            body: "a=b\n".to_owned(),
        }];
        let run = [Words(vec!["manage.py".to_owned(), "check".to_owned()])];
        let given = Given {
            app: "shop.wsgi:application",
            interface: interface(None),
            snapshot: snapshot(Snapshot::App),
            warm: &warm,
            run: &run,
            prepare: &[],
            exclude: &[],
            stdlib: "/3/stdlib.bundle",
            build: "1".to_owned(),
            time: 7,
        };
        let expected = "IncomingHandler, Lifecycle = exports({\"app\":\"shop.wsgi:application\",\"interface\":\"auto\",\"snapshot\":\
                        \"app\",\"warm\":[{\"path\":\"/login\",\"method\":\"POST\",\"headers\":{\"content-type\":\"text/\
                        \\\"x\\\"\"},\"body\":\"a=b\\n\"}],\"run\":[[\"manage.py\",\"check\"]],\"prepare\":[],\"exclude\":[],\
                        \"stdlib\":\"/3/stdlib.bundle\",\"build\":\"1\",\"time\":7})\n";
        let entry = entry(&given).unwrap();
        assert!(entry.ends_with(expected), "{entry}");
    }
}

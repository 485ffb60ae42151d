//! The component itself: the app is started within the guest, warmed up, and what is in memory then is written down.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::private;
use serde::Serialize;
use tokio::time::Instant;

use crate::config::arguments::Arguments;
use crate::config::arguments::Request;
use crate::config::settings::Interface;
use crate::config::settings::Snapshot;
use crate::progress::say;
use crate::progress::seconds;
use crate::python::component::kdf;
use crate::python::component::kdf::Kdf;
use crate::python::component::report::Report;
use crate::python::toolchain::tools::Tools;
use crate::python::world::World;
use crate::run::output;
use crate::source::stage;

/// What the SDK is told, in the words of `sdk/python/guesthouse/settings.py`.
#[derive(Clone, Debug, Serialize)]
pub struct Given<'build> {
    /// `module:callable`
    pub app: &'build str,
    /// The folder of the source that it is started in.
    pub home: &'build str,
    /// Folders of the source that modules are looked for in besides.
    pub paths: &'build [String],
    /// Variables that are set as long as nobody else sets them.
    pub environment: &'build BTreeMap<String, String>,
    /// Which interface the callable has.
    pub interface: &'static str,
    /// What is imported now.
    pub snapshot: &'static str,
    /// What the app answers now.
    pub warm: &'build [Request],
    /// What is run now.
    pub run: &'build [Arguments],
    /// What is run once for each revision that has state.
    pub prepare: &'build [Arguments],
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
pub struct Places<'build> {
    /// The app's files as they go into each run.
    pub staged: PathBuf,
    /// Who hashes passwords.
    kdf: &'build Kdf,
    /// A copy of them: `/0`.
    app: PathBuf,
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
    App(Box<Report>),
    /// Anything else.
    Other(anyhow::Error),
}

impl<'build> Places<'build> {
    /// Makes them below `folder`, which is empty.
    pub fn make(folder: &Path, kdf: &'build Kdf) -> anyhow::Result<Places<'build>> {
        let places = Places {
            staged: folder.join("staged"),
            kdf,
            app: folder.join("app"),
            own: folder.join("own"),
            empty: folder.join("empty"),
            component: folder.join("app.wasm"),
        };
        for path in [&places.staged, &places.app, &places.own, &places.empty] {
            fs::create_dir(path).with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        }
        Ok(places)
    }

    /// Has what the last run made at the paths `made` go into each later one as well: files and folders, relative to the app.
    pub fn keep(&self, made: &[String]) -> anyhow::Result<()> {
        for path in made {
            let (from, to) = (self.app.join(path), self.staged.join(path));
            let kept = match fs::symlink_metadata(&from) {
                Ok(about) if about.is_dir() => stage::copy_all(&from, &to),
                Ok(about) if about.is_file() => fs::copy(&from, &to).map(drop).map_err(anyhow::Error::from),
                _ => Ok(()),
            };
            kept.with_context(|| format!("cannot keep `{path}`, which a command made"))?;
        }
        Ok(())
    }

    /// Stages the app anew: a run before may have written beside it.
    fn stage(&self) -> anyhow::Result<()> {
        private::clear(&self.app).with_context(|| format!("cannot clear `{}`", self.app.display()))?;
        stage::copy_all(&self.staged, &self.app)
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
///
/// No warm-up is a reason for there being none: without it, the first request does its work.
pub async fn make(
    tools: &Tools,
    world: World,
    places: &Places<'_>,
    packages: &Path,
    given: &Given<'_>,
) -> Result<Made, Failed> {
    let begun = Instant::now();
    let mut report = run(tools, world, places, packages, given).await.map_err(Failed::Other)?;
    if !given.warm.is_empty()
        && let Err(failed) = &report
        && let Some(why) = failed.blames_the_warm_up()
    {
        say(format_args!("  warning: the warm-up fails, and the app is built without it: {why}"));
        let written = failed.written.clone();
        let cold = Given { warm: &[], ..given.clone() };
        report = run(tools, world, places, packages, &cold).await.map_err(Failed::Other)?;
        if let Ok(report) = &mut report {
            report.written.extend(written);
        }
    }
    let component = match (report, fs::read(&places.component)) {
        (Ok(report), Ok(component)) => Made { component, report },
        (Ok(report), Err(error)) => match report.refused {
            Some(_) => return Err(Failed::App(Box::new(report))),
            None => {
                let error = anyhow::Error::new(error).context("componentize-py left no component");
                return Err(Failed::Other(error));
            }
        },
        (Err(report), _) => return Err(Failed::App(Box::new(report))),
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
    world: World,
    places: &Places<'_>,
    packages: &Path,
    given: &Given<'_>,
) -> anyhow::Result<Result<Report, Report>> {
    let Places { staged: _, kdf, app, own, empty, component } = places;
    places.stage()?;
    for entry in fs::read_dir(own)?.flatten() {
        let _ = fs::remove_file(entry.path());
    }
    let _ = fs::remove_file(component);
    fs::write(own.join("guesthouse_entry.py"), entry(given)?)?;
    // A copy, because the app may write beside its entry.
    fs::copy(&tools.stdlib, own.join("stdlib.bundle")).context("cannot copy the standard library")?;
    if let Kdf::Extension(file) = kdf {
        fs::copy(file, own.join(kdf::FILE)).context("cannot copy the extension that hashes passwords")?;
    }
    let mut componentize = tools.componentize(world, "guesthouse_entry", [app, packages, own], empty, component);
    let ended = output(&mut componentize).await.context("cannot start componentize-py")?;
    let report = Report::read(own);
    match (ended.status.success(), report) {
        (true, report) => Ok(Ok(report.unwrap_or_default())),
        (false, Some(report)) if report.refused.is_some() => Ok(Err(report)),
        // A trap ends the guest before it can say anything, and componentize-py says which.
        (false, Some(report)) if report.blames_the_warm_up().is_some() && !given.warm.is_empty() => Ok(Err(report)),
        (false, _) => bail!("componentize-py failed:\n{}", String::from_utf8_lossy(&ended.stderr).trim()),
    }
}

/// The module that the component begins with. JSON without `true`, `false` and `null` is Python as well.
fn entry(given: &Given<'_>) -> anyhow::Result<String> {
    let given = serde_json::to_string(given)?;
    Ok(format!(
        "import sys\n\n# The folders are the builder's, and the same for other builds.\nsys.dont_write_bytecode = True\n\n\
         from guesthouse.entry import exports\n\nIncomingHandler, Lifecycle, Run = exports({given})\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_made_goes_into_later_runs_and_links_do_not() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::make(home.path(), &Kdf::Python).unwrap();
        fs::write(places.staged.join("app.py"), "").unwrap();
        places.stage().unwrap();
        fs::create_dir(places.app.join("collected")).unwrap();
        fs::write(places.app.join("collected/site.css"), "a").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", places.app.join("collected/link")).unwrap();
        fs::write(places.app.join("other"), "").unwrap();
        places.keep(&["collected".to_owned(), "gone".to_owned()]).unwrap();
        places.stage().unwrap();
        assert_eq!(fs::read_to_string(places.app.join("collected/site.css")).unwrap(), "a");
        assert!(!places.app.join("collected/link").exists() && !places.app.join("other").exists());
    }

    #[test]
    fn the_entry_is_python() {
        let warm = [Request {
            path: "/login".to_owned(),
            method: "POST".to_owned(),
            headers: [("content-type".to_owned(), "text/\"x\"".to_owned())].into(),
            body: "a=b\n".to_owned(),
        }];
        let run = [Arguments(vec!["manage.py".to_owned(), "check".to_owned()])];
        let given = Given {
            app: "shop.wsgi:application",
            home: "",
            paths: &["src".to_owned()],
            environment: &BTreeMap::new(),
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
        let expected = "IncomingHandler, Lifecycle, Run = exports({\"app\":\"shop.wsgi:application\",\"home\":\"\",\"paths\":[\"src\"],\"environment\":{},\"interface\":\"auto\",\"snapshot\":\
                        \"app\",\"warm\":[{\"path\":\"/login\",\"method\":\"POST\",\"headers\":{\"content-type\":\"text/\
                        \\\"x\\\"\"},\"body\":\"a=b\\n\"}],\"run\":[[\"manage.py\",\"check\"]],\"prepare\":[],\"exclude\":[],\
                        \"stdlib\":\"/3/stdlib.bundle\",\"build\":\"1\",\"time\":7})\n";
        let entry = entry(&given).unwrap();
        assert!(entry.ends_with(expected), "{entry}");
    }
}

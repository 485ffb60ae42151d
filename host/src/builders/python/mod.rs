//! Apps in Python, unmodified: WSGI and ASGI, with their packages, as one component.
//!
//! entry (where does it begin?) → requirements (and what locks them) → packages (pip, for the guest) → snapshot (componentize-py and our SDK, within
//! the guest) → label → place

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use tokio::time::Instant;

use crate::builders::asks::Asks;
use crate::builders::cache::Cache;
use crate::builders::kept::Kept;
use crate::builders::label::label;
use crate::builders::place::Built;
use crate::builders::place::Placed;
use crate::builders::place::place;
use crate::builders::purpose::Purpose;
use crate::builders::python::entry::Entry;
use crate::builders::python::environ::Remembered;
use crate::builders::python::packages::Packages;
use crate::builders::python::requirements::Requirements;
use crate::builders::python::snapshot::Failed;
use crate::builders::python::snapshot::Given;
use crate::builders::python::snapshot::Made;
use crate::builders::python::snapshot::Places;
use crate::builders::python::tools::Tools;
use crate::builders::say::say;
use crate::builders::say::size;
use crate::builders::seen::Seen;
use crate::builders::seen::source;
use crate::builders::settings::Build;
use crate::builders::settings::Settings;
use crate::builders::settings::Snapshot;
use crate::builders::source::Source;
use crate::builders::stage;
use crate::builders::stage::Staged;
use crate::builders::stamp::Stamp;
use crate::builders::watched::Watched;
use crate::builders::words::Request;
use crate::builders::words::Words;

mod django;
pub mod entry;
mod environ;
mod environment;
mod interpreter;
mod lines;
mod lock;
mod missing;
mod native;
mod packages;
mod pip;
mod pyproject;
mod report;
mod requirements;
mod resolve;
mod snapshot;
mod tools;

/// What every app in Python asks for, unless its author asks otherwise: starting one takes far more time than answering,
/// and it takes more memory than other apps. Frameworks write large uploads to `/tmp`.
const ASKS: &str = "\
[instances]
reuse = 10000
growth = \"64MiB\"
idle = \"5m\"
[limits]
memory = \"256MiB\"
tmp = \"64MiB\"
";

/// A source in Python: one app.
#[derive(Debug)]
pub struct PythonApp {
    name: AppName,
    folder: PathBuf,
    shown: String,
    watched: [Watched; 1],
    /// The source as it was when the last build began, or when it was looked at last.
    seen: Seen,
}

/// What a build is made of, read anew for each: an edit may change all of it.
struct Plan {
    settings: Settings,
    entry: Entry,
    staged: Staged,
    requirements: Requirements,
    prepare: Vec<Words>,
    /// What is run in the guest when it is built, unless the author says what.
    collect: Option<Words>,
    asks: Asks,
}

impl PythonApp {
    /// The one at `source`.
    pub fn of(source: &Source) -> anyhow::Result<PythonApp> {
        Ok(PythonApp {
            name: source.settings.app_name(&source.folder)?,
            folder: source.folder.clone(),
            shown: source.shown.clone(),
            watched: [Watched { folder: source.folder.clone(), deep: true }],
            seen: Seen::default(),
        })
    }

    /// Its app.
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// Where its source lies.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// The folder that can be mounted over its snapshot.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether its source differs from what was seen last. A database that the app writes beside its code is no edit.
    pub fn is_edited(&self) -> bool {
        self.seen.differs(self.source())
    }

    /// Builds it into the folder `apps`. Dropping the future kills the tools.
    pub async fn build(&self, apps: &Path, purpose: Purpose) -> Built {
        self.seen.set(self.source());
        let begun = Instant::now();
        let placed = self.make(apps, purpose).await;
        match placed {
            // The author edits all the time, and is told when the edit is live.
            Ok(placed) if purpose == Purpose::Live && !placed.changed => Built::of(&self.name, &placed),
            placed => Built::one(&self.name, placed, begun.elapsed()),
        }
    }

    fn source(&self) -> Option<Digest> {
        let settings = Settings::read(&self.folder, Path::new(&self.shown)).ok()?;
        source(&self.folder, &settings.build, None)
    }

    async fn make(&self, apps: &Path, purpose: Purpose) -> anyhow::Result<Placed> {
        let mut plan = self.plan()?;
        if purpose == Purpose::Live {
            plan.settings.build.snapshot = Some(Snapshot::Libraries);
        }
        let cache = Cache::of_process()?;
        let kept = match purpose {
            Purpose::Serve => Kept::of(&cache, &self.folder, &self.name).await?,
            Purpose::Live => Kept::of_live(&cache, &self.folder, &self.name).await?,
        };
        let known = packages::known(&cache, &plan.requirements);
        if let Some(known) = &known
            && let Some(component) = kept.component(&self.stamp(&plan, known, purpose)?)
        {
            return place(&self.name, &component, apps);
        }
        say(format_args!("{}: {}", self.name, plan.entry.about));
        let tools = Tools::ready(&cache).await?;
        let Staged { files, left_out, bytes } = &plan.staged;
        let without = if left_out.is_empty() { String::new() } else { format!(", without {}", stage::told(left_out)) };
        say(format_args!("  staged {} files, {}{without}", files.len(), size(*bytes as usize)));
        plan.requirements.unread.iter().for_each(|what| say(format_args!("  warning: {what}")));
        let packages = match known {
            Some(known) => {
                known.told().iter().for_each(|told| say(format_args!("  dependencies as before: {told}")));
                known
            }
            None => packages::install(&cache, &tools, &self.folder, &plan.requirements).await?,
        };
        let stamp = self.stamp(&plan, &packages, purpose)?;
        if let Some(component) = kept.component(&stamp) {
            return place(&self.name, &component, apps);
        }
        let places = Places::make(&kept.workplace()?)?;
        stage::copy(&self.folder, files, &places.app)?;
        let made = self.snapshot(&plan, &stamp, &kept, &tools, &places, &packages.site).await?;
        let component = label(made.component, &plan.asks, &plan.settings.asks)?;
        kept.keep(&stamp, &component)?;
        place(&self.name, &component, apps)
    }

    fn plan(&self) -> anyhow::Result<Plan> {
        let settings = Settings::read(&self.folder, Path::new(&self.shown))?;
        let entry = entry::find(&self.folder, &settings.build)?;
        let entry = entry.with_context(|| format!("`{}` holds no app in Python any more", self.shown))?;
        let staged = stage::files(&self.folder, &settings.build.exclude, &settings.build.include)?;
        let mut requirements = Requirements::of(&self.folder, settings.build.requirements.as_deref())?;
        if entry.is_django {
            // A guest has no files of time zones, and Django asks for UTC. On Windows, where there are none either, Django
            // requires this by itself.
            requirements.also("tzdata");
        }
        let (mut prepare, mut asks) = (settings.build.prepare.clone().unwrap_or_default(), Asks::read(ASKS.as_bytes()));
        if entry.is_django
            && let Some(database) = django::database(&self.folder)
        {
            asks = asks.overlaid(&database.asks);
            if settings.build.prepare.is_none() {
                prepare.push(database.prepare);
            }
        }
        let collect = entry.is_django.then(|| django::collects(&self.folder)).flatten();
        Ok(Plan { settings, entry, staged, requirements, prepare, collect, asks })
    }

    /// Everything that the component depends on.
    fn stamp(&self, plan: &Plan, packages: &Packages, purpose: Purpose) -> anyhow::Result<Digest> {
        let mut stamp = Stamp::default();
        stamp.text("guesthouse", env!("CARGO_PKG_VERSION"));
        stamp.text("tools", &tools::versions());
        stamp.text("app", &plan.entry.app);
        // All keys of the table have a place in what it prints.
        stamp.text("settings", &format!("{:?}", plan.settings.build));
        stamp.text("prepare", &format!("{:?}", plan.prepare));
        stamp.text("asks", &plan.asks.clone().overlaid(&plan.settings.asks).text());
        stamp.text("packages", &packages.digest().to_string());
        if purpose == Purpose::Serve {
            stamp.files("source", &self.folder, &plan.staged.files).context("cannot read the source")?;
        }
        Ok(stamp.digest())
    }

    /// Makes the component, with the app within the snapshot where that is right, else with what it uses.
    async fn snapshot(
        &self,
        plan: &Plan,
        stamp: &Digest,
        kept: &Kept,
        tools: &Tools,
        places: &Places,
        packages: &Path,
    ) -> anyhow::Result<Made> {
        let Build { interface, snapshot: wanted, warm, run, exclude, .. } = &plan.settings.build;
        let at_the_root = [Request::get("/")];
        let collect = plan.collect.clone().filter(|_| run.is_none());
        let mut given = Given {
            app: &plan.entry.app,
            interface: snapshot::interface(*interface),
            snapshot: snapshot::snapshot(Snapshot::App),
            warm: warm.as_deref().unwrap_or(&at_the_root),
            run: run.as_deref().unwrap_or(collect.as_slice()),
            prepare: &plan.prepare,
            exclude,
            stdlib: "/3/stdlib.bundle",
            build: stamp.short().to_string(),
            time: self.edited(plan),
        };
        if !plan.prepare.is_empty() {
            let commands: Vec<String> = plan.prepare.iter().map(|words| format!("`{words}`")).collect();
            say(format_args!("  each new revision runs {} on its state first", commands.join(" and ")));
        }
        let remembered = Remembered::read(kept, &self.folder);
        let first = wanted.unwrap_or(if remembered.is_some() { Snapshot::Libraries } else { Snapshot::App });
        given.snapshot = snapshot::snapshot(first);
        if first == Snapshot::Libraries {
            // It would leave the app's own modules behind, which the instance is to import.
            given.run = run.as_deref().unwrap_or_default();
        }
        if let Some(remembered) = &remembered
            && wanted.is_none()
        {
            say(format_args!("  {remembered}, as before"));
        }
        let made = snapshot::make(tools, places, packages, &given).await;
        let read = match &made {
            Ok(made) => &made.report.environment,
            Err(Failed::App(report)) => &report.environment,
            Err(Failed::Other(_)) => return outcome(made, &self.folder),
        };
        let Some(remembered) = Remembered::of(read).filter(|_| wanted.is_none() && first == Snapshot::App) else {
            return outcome(made, &self.folder);
        };
        // Values of this machine must not become the app's, and those of the place where it runs are not known here.
        say(format_args!("  {remembered} (`[build]` `snapshot = \"app\"` would keep it in memory as it is now)"));
        if let Err(Failed::App(report)) = &made {
            say(format_args!(
                "  warning: without them it fails: {}",
                report.refused.as_deref().unwrap_or("no reason told")
            ));
        }
        given.snapshot = snapshot::snapshot(Snapshot::Libraries);
        given.run = run.as_deref().unwrap_or_default();
        let again = outcome(snapshot::make(tools, places, packages, &given).await, &self.folder)?;
        remembered.write(kept, &self.folder)?;
        Ok(again)
    }

    /// When the source was edited last, in seconds since 1970: what the app's files show as their time, so that visitors'
    /// caches learn of a new revision. `$SOURCE_DATE_EPOCH` sets it, as for other tools.
    fn edited(&self, plan: &Plan) -> u64 {
        let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
        let since_1970 = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let times = plan.staged.files.iter().filter_map(|file| self.folder.join(file).metadata().ok()?.modified().ok());
        set.unwrap_or_else(|| times.map(since_1970).max().unwrap_or(Duration::ZERO).as_secs())
    }
}

fn outcome(made: Result<Made, Failed>, folder: &Path) -> anyhow::Result<Made> {
    match made {
        Ok(made) => Ok(made),
        Err(Failed::Other(error)) => Err(error),
        Err(Failed::App(report)) => match report.failure(folder) {
            Some(why) => bail!("{why}"),
            None => Err(anyhow!("the app cannot be built, and nothing was said about it")),
        },
    }
}

//! Apps in Python, unmodified: WSGI and ASGI, with their packages, as one component.
//!
//! entry (where does it begin?) → requirements (and what locks them) → packages (pip, for the guest) → snapshot (componentize-py and our SDK, within
//! the guest) → label → place

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use anyhow::Context as _;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use tokio::time::Instant;

use crate::cache::builds::BuildCache;
use crate::cache::fingerprint::Fingerprint;
use crate::cache::source_digest::SourceDigest;
use crate::cache::source_digest::source;
use crate::cache::tools::Cache;
use crate::config::arguments::Arguments;
use crate::config::arguments::Request;
use crate::config::embedded::EmbeddedConfig;
use crate::config::settings::Build;
use crate::config::settings::Settings;
use crate::config::settings::Snapshot;
use crate::mode::BuildMode;
use crate::output::embed::label;
use crate::output::install::Built;
use crate::output::install::Placed;
use crate::output::install::place;
use crate::progress::say;
use crate::progress::size;
use crate::python::component::again::Again;
use crate::python::component::again::outcome;
use crate::python::component::beside;
use crate::python::component::environ::Remembered;
use crate::python::component::kdf::Kdf;
use crate::python::component::snapshot;
use crate::python::component::snapshot::Failed;
use crate::python::component::snapshot::Given;
use crate::python::component::snapshot::Made;
use crate::python::component::snapshot::Places;
use crate::python::component::variables;
use crate::python::install::backend;
use crate::python::install::own;
use crate::python::install::own::Own;
use crate::python::install::packages;
use crate::python::install::packages::Packages;
use crate::python::needs::requirements::Requirements;
use crate::python::toolchain::tools;
use crate::python::toolchain::tools::Tools;
use crate::python::world::World;
use crate::source::find::Source;
use crate::source::python::entry;
use crate::source::python::entry::Entry;
use crate::source::stage;
use crate::source::stage::Staged;
use crate::source::watched::Watched;

mod component;
mod django;
mod index;
mod install;
mod needs;
pub(crate) mod toolchain;
mod wheels;
pub mod wheels_command;
mod world;

/// What every app in Python asks for, unless its author asks otherwise: starting one takes far more time than answering,
/// and it takes more memory than other apps. Frameworks write large uploads to `/tmp`. They read a body
/// before they answer, so that it may as well be there when they begin.
const ASKS: &str = "\
[instances]
reuse = 10000
growth = \"64MiB\"
idle = \"5m\"
[limits]
memory = \"256MiB\"
tmp = \"64MiB\"
[request]
buffer = true
";

/// A source in Python: one app.
#[derive(Debug)]
pub struct PythonApp {
    name: AppName,
    folder: PathBuf,
    shown: String,
    watched: [Watched; 1],
    /// What the command line says instead of `app` in the file.
    app: Option<String>,
    /// The source as it was when the last build began, or when it was looked at last.
    seen: SourceDigest,
}

/// What a build is made of, read anew for each: an edit may change all of it.
struct Plan {
    settings: Settings,
    entry: Entry,
    staged: Staged,
    requirements: Requirements,
    /// The projects in the source.
    own: Vec<Own>,
    prepare: Vec<Arguments>,
    /// What is run in the guest when it is built, unless the author says what.
    collect: Option<Arguments>,
    /// Variables that are set as long as nobody else sets them.
    environment: BTreeMap<String, String>,
    asks: EmbeddedConfig,
    world: World,
}

impl PythonApp {
    /// The one at `source`.
    pub fn of(source: &Source) -> anyhow::Result<PythonApp> {
        Ok(PythonApp {
            name: source.settings.app_name(&source.folder)?,
            folder: source.folder.clone(),
            shown: source.shown.clone(),
            watched: [Watched { folder: source.folder.clone(), deep: true }],
            app: source.app.clone(),
            seen: SourceDigest::default(),
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

    /// Names of variables that its source reads.
    pub fn variables(&self) -> Vec<String> {
        let settings = Settings::read(&self.folder, Path::new(&self.shown)).unwrap_or_default();
        let staged = stage::files(&self.folder, &settings.build.exclude, &settings.build.include).unwrap_or_default();
        variables::read(&self.folder, &staged.files).into_keys().collect()
    }

    /// Builds it into the folder `apps`. Dropping the future kills the tools.
    pub async fn build(&self, apps: &Path, purpose: BuildMode) -> Built {
        self.seen.set(self.source());
        let begun = Instant::now();
        let placed = self.make(apps, purpose).await;
        match placed {
            // The author edits all the time, and is told when the edit is live.
            Ok(placed) if purpose == BuildMode::Live && !placed.changed => Built::of(&self.name, &placed),
            placed => Built::one(&self.name, placed, begun.elapsed()),
        }
    }

    fn source(&self) -> Option<Digest> {
        let settings = Settings::read(&self.folder, Path::new(&self.shown)).ok()?;
        source(&self.folder, &settings.build, None)
    }

    async fn make(&self, apps: &Path, purpose: BuildMode) -> anyhow::Result<Placed> {
        let mut plan = self.plan(World::of(&self.name, apps, purpose))?;
        if purpose == BuildMode::Live {
            plan.settings.build.snapshot = Some(Snapshot::Libraries);
        }
        let cache = Cache::of_process()?;
        let kept = match purpose {
            BuildMode::Serve => BuildCache::of(&cache, &self.folder, &self.name).await?,
            BuildMode::Live => BuildCache::of_live(&cache, &self.folder, &self.name).await?,
        };
        let known = packages::known(&cache, &plan.requirements);
        let mut kdf = Kdf::known(&cache);
        if let Some(known) = &known
            && let Some(component) = kept.component(&self.stamp(&plan, known, &kdf, purpose)?)
        {
            return place(&self.name, &component, apps);
        }
        say(format_args!("{}: {}", self.name, plan.entry.about));
        plan.entry.others.iter().for_each(|others| say(format_args!("  {others}")));
        let tools = Tools::ready(&cache).await?;
        let Staged { files, left_out, bytes } = &plan.staged;
        let without = if left_out.is_empty() { String::new() } else { format!(", without {}", stage::told(left_out)) };
        say(format_args!("  staged {} files, {}{without}", files.len(), size(*bytes as usize)));
        plan.requirements.unread.iter().for_each(|what| say(format_args!("  warning: {what}")));
        let packages = match known {
            Some(known) => {
                known.tell("as before");
                known
            }
            None => packages::install(&cache, &tools, &self.folder, &plan.requirements).await?,
        };
        if !matches!(kdf, Kdf::Extension(_)) {
            kdf = Kdf::ready(&cache).await;
        }
        let stamp = self.stamp(&plan, &packages, &kdf, purpose)?;
        if let Some(component) = kept.component(&stamp) {
            return place(&self.name, &component, apps);
        }
        let places = Places::make(&kept.workplace()?, &kdf)?;
        stage::copy(&self.folder, files, &places.staged)?;
        for own in &plan.own {
            let work = kept.folder().join(format!("work/{}", own.name));
            let places = backend::Places { source: &self.folder, files, staged: &places.staged, work };
            backend::install(&tools, own, &places).await?;
        }
        let made = self.snapshot(&plan, &stamp, &kept, &tools, &places, &packages).await?;
        let asks = self.with_state(&plan, &made.report.written);
        let component = label(made.component, &asks, &plan.settings.asks)?;
        kept.keep(&stamp, &component)?;
        let placed = place(&self.name, &component, apps)?;
        if purpose == BuildMode::Serve {
            self.tell_what_to_set(&plan, apps)?;
        }
        Ok(placed)
    }

    /// What is asked for an app that was seen to write `written` beside its code, or whose code opens a database in a file: a
    /// place for that, unless its author has said where it is.
    fn with_state(&self, plan: &Plan, written: &[String]) -> EmbeddedConfig {
        if plan.asks.names("state") || plan.settings.asks.names("state") {
            return plan.asks.clone();
        }
        let why = match written.first() {
            Some(first) => Some(format!("it writes `{first}` beside its code")),
            None => beside::opens_a_database(&self.folder, &plan.staged.files)
                .map(|place| format!("{place} opens a database in a file")),
        };
        let Some(why) = why else { return plan.asks.clone() };
        say(format_args!(
            "  {why}: it asks for a folder that stays there (`[state]`, which the operator allows; `[state]` in guesthouse.toml \
             says it otherwise)"
        ));
        plan.asks.clone().overlaid(&beside::state(""))
    }

    /// Says what the operator has to give the app.
    fn tell_what_to_set(&self, plan: &Plan, apps: &Path) -> anyhow::Result<()> {
        let settings = plan.entry.is_django.then(|| django::to_set(&self.folder.join(&plan.entry.home)));
        if let Some(settings) = settings.filter(|settings| !settings.is_empty()) {
            say(format_args!("  before strangers visit it, in its settings: {}", settings.join("; ")));
        }
        variables::tell(&variables::read(&self.folder, &plan.staged.files), &self.name, apps)
    }

    fn plan(&self, world: World) -> anyhow::Result<Plan> {
        let settings = Settings::read(&self.folder, Path::new(&self.shown))?.with_app(self.app.as_deref());
        let entry = entry::find(&self.folder, &settings.build)?;
        let mut entry = entry.with_context(|| format!("`{}` holds no app in Python any more", self.shown))?;
        let staged = stage::files(&self.folder, &settings.build.exclude, &settings.build.include)?;
        let mut requirements = Requirements::of(&self.folder, &entry.home, settings.build.requirements.as_deref())?;
        let home = if entry.home.is_empty() { "." } else { &entry.home };
        let mut own: Vec<Own> = Vec::new();
        for below in [".", home].into_iter().chain(requirements.own.iter().map(String::as_str)) {
            if !own.iter().any(|known| known.folder == below) {
                own.extend(Own::read(&self.folder, below));
            }
        }
        // It has a place on the path, whether it could be installed or not.
        entry.roots.extend(own.iter().flat_map(|own| own.paths(&self.folder)));
        entry.roots.extend(requirements.own.iter().filter(|own| *own != ".").cloned());
        if !own.is_empty() {
            entry.roots.push(own::FOLDER.to_owned());
        }
        let mut seen = Vec::new();
        entry.roots.retain(|root| {
            !seen.contains(root) && {
                seen.push(root.clone());
                true
            }
        });
        if entry.is_django {
            requirements.or_django();
        }
        // Django takes psycopg 3 where it is there, and asks for psycopg2, which no guest has, only where it is not.
        if entry.is_django && ["psycopg2", "psycopg2-binary"].into_iter().any(|name| requirements.names(name)) {
            requirements.also("psycopg");
        }
        // A guest has no files of time zones. Django asks for UTC, and psycopg for the zone of its server's times; on Windows,
        // where there are none either, they require this by themselves.
        if entry.is_django || requirements.names("psycopg") {
            requirements.also("tzdata");
        }
        let (mut prepare, mut asks) =
            (settings.build.prepare.clone().unwrap_or_default(), EmbeddedConfig::read(ASKS.as_bytes()));
        if entry.is_django
            && let Some(database) = django::database(&self.folder, &entry.home)
        {
            asks = asks.overlaid(&database.asks);
            if settings.build.prepare.is_none() {
                prepare.push(database.prepare);
            }
        }
        let environment = if entry.is_django {
            django::environment(&self.folder.join(&entry.home), &entry.app)
        } else {
            BTreeMap::new()
        };
        let collect = entry.is_django.then(|| django::collects(&self.folder.join(&entry.home))).flatten();
        Ok(Plan { settings, entry, staged, requirements, own, prepare, collect, environment, asks, world })
    }

    /// Everything that the component depends on.
    fn stamp(&self, plan: &Plan, packages: &Packages, kdf: &Kdf, purpose: BuildMode) -> anyhow::Result<Digest> {
        let mut stamp = Fingerprint::default();
        stamp.text("guesthouse", env!("CARGO_PKG_VERSION"));
        stamp.text("tools", &tools::versions());
        stamp.text("app", &plan.entry.app);
        stamp.text("layout", &format!("{} {:?} {:?}", plan.entry.home, plan.entry.roots, plan.own));
        // All keys of the table have a place in what it prints.
        stamp.text("settings", &format!("{:?}", plan.settings.build));
        stamp.text("environment", &format!("{:?}", plan.environment));
        stamp.text("prepare", &format!("{:?}", plan.prepare));
        stamp.text("asks", &plan.asks.clone().overlaid(&plan.settings.asks).text());
        stamp.text("world", plan.world.name());
        stamp.text("kdf", &kdf.stamp());
        stamp.text("packages", &packages.digest().to_string());
        if purpose == BuildMode::Serve {
            stamp.files("source", &self.folder, &plan.staged.files).context("cannot read the source")?;
        }
        Ok(stamp.digest())
    }

    /// Makes the component, with the app within the snapshot where that is right, else with what it uses.
    async fn snapshot(
        &self,
        plan: &Plan,
        stamp: &Digest,
        kept: &BuildCache,
        tools: &Tools,
        places: &Places<'_>,
        packages: &Packages,
    ) -> anyhow::Result<Made> {
        let Build { interface, snapshot: wanted, warm, run, exclude, .. } = &plan.settings.build;
        let at_the_root = [Request::get("/")];
        let collect = plan.collect.clone().filter(|_| run.is_none());
        let mut given = Given {
            app: &plan.entry.app,
            home: &plan.entry.home,
            paths: &plan.entry.roots,
            environment: &plan.environment,
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
        // What a command collects is made by the app itself, in memory.
        let remembered = remembered.filter(|_| given.run.is_empty());
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
        let made = snapshot::make(tools, plan.world, places, &packages.site, &given).await;
        let report = match &made {
            Ok(made) => &made.report,
            Err(Failed::App(report)) => report,
            Err(Failed::Other(_)) => return outcome(made, &self.folder, tools, packages).await,
        };
        places.keep(&report.collected)?;
        let again = match (wanted, first) {
            (None, Snapshot::App) => Again::of(&made, report, tools, packages).await,
            _ => None,
        };
        let Some(again) = again else { return outcome(made, &self.folder, tools, packages).await };
        again.tell(&made);
        let written = report.written.clone();
        given.snapshot = snapshot::snapshot(Snapshot::Libraries);
        given.run = run.as_deref().unwrap_or_default();
        let second = snapshot::make(tools, plan.world, places, &packages.site, &given).await;
        let mut second = outcome(second, &self.folder, tools, packages).await?;
        second.report.written.extend(written);
        if let Again::Environment(remembered) = again {
            remembered.write(kept, &self.folder)?;
        }
        Ok(second)
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

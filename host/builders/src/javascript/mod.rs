//! Apps in JavaScript and TypeScript: bundled, loaded once in their engine, and what is in its memory then is the component.
//!
//! tools (installed once) → packages (what the app uses, installed apart from it) → make (what the tools are asked, and answer)
//!
//! While an app is worked on, instances evaluate it: live (asks a process of the tools that stays).

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use tokio::time::Instant;

use crate::cache::builds::BuildCache;
use crate::cache::fingerprint::Fingerprint;
use crate::cache::tools::Cache;
use crate::config::embedded::EmbeddedConfig;
use crate::config::settings::AppSaid;
use crate::config::settings::Build;
use crate::config::settings::FILE;
use crate::config::settings::Settings;
use crate::javascript::live::Scripts;
use crate::javascript::make::Made;
use crate::javascript::make::Outcome;
use crate::javascript::make::Task;
use crate::javascript::make::make;
use crate::javascript::packages::installed;
use crate::javascript::tools::Engine;
use crate::javascript::tools::Tools;
use crate::live::made_of;
use crate::mode::BuildMode;
use crate::output::embed::label;
use crate::output::install::Built;
use crate::output::install::Placed;
use crate::output::install::place;
use crate::progress::say;
use crate::source::find::Source;
use crate::source::javascript::manifest::Manifest;
use crate::source::javascript::manifest::Wanted;
use crate::source::secret_names::SecretNames;
use crate::source::stage;
use crate::source::watched::Watched;

pub mod live;
mod make;
mod packages;
pub(crate) mod tools;

/// What an app asks for unless its `guesthouse.toml` says otherwise. An interpreter takes a while to begin, and its heap is
/// larger than what one request needs.
const ASKS: &str =
    "[instances]\nreuse = 1000\ngrowth = \"64MiB\"\n\n[limits]\nmemory = \"256MiB\"\n\n[request]\nbuffer = true\n";

/// Under which name is noted what the component was made from besides the source.
const OTHERS: &str = "others";

/// Where it is made.
struct Places<'a> {
    engine: &'a Engine,
    work: &'a Path,
    output: &'a Path,
}

/// A folder with a `package.json`.
#[derive(Debug)]
pub struct JavaScript {
    name: AppName,
    shown: String,
    folder: PathBuf,
    watched: [Watched; 1],
    /// What the command line says instead of `app` in the file.
    app: Option<String>,
    /// What makes it while it is worked on.
    scripts: Arc<Scripts>,
    /// Which packages it was seen to need. Locked for a look.
    wanted: Mutex<Wanted>,
}

impl JavaScript {
    /// The app at `source`.
    pub fn of(source: &Source, scripts: Arc<Scripts>) -> anyhow::Result<JavaScript> {
        let app = JavaScript {
            name: source.settings.app_name(&source.folder)?,
            shown: source.shown.clone(),
            folder: source.folder.clone(),
            watched: [Watched { folder: source.folder.clone(), deep: true }],
            app: source.app.clone(),
            scripts,
            wanted: Mutex::new(Wanted::Runtime),
        };
        app.settings()?;
        Ok(app)
    }

    /// Its name.
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// Where its source lies.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// The folder with its source.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts its component into the folder `apps`. What was made from the same source is not made again.
    pub async fn build(&self, apps: &Path, purpose: BuildMode<'_>) -> Built {
        let begun = Instant::now();
        let made = match purpose {
            BuildMode::Serve => self.make(apps).await.map(|placed| (placed, false)),
            BuildMode::Live(made) => self.make_live(apps, &made_of(&self.name, made)).await,
        };
        let (placed, is_renewed) = match made {
            Ok((placed, is_renewed)) => (Ok(placed), is_renewed),
            Err(error) => (Err(error), false),
        };
        let mut built = match placed {
            // The author edits all the time, and is told when the edit is live.
            Ok(placed) if is_renewed && !placed.changed => Built::of(&self.name, &placed),
            placed => Built::one(&self.name, placed, begun.elapsed()),
        };
        built.renewed.extend(is_renewed.then(|| self.name.clone()));
        built
    }

    async fn make(&self, apps: &Path) -> anyhow::Result<Placed> {
        let settings = self.settings()?;
        let cache = Cache::of_process()?;
        let kept = BuildCache::of(&cache, &self.folder, &self.name).await?;
        let sources = stage::files(&self.folder, &[], &[])?.files;
        let others: Vec<PathBuf> = kept.note(OTHERS).unwrap_or_default().lines().map(PathBuf::from).collect();
        // Before anything is read, so that an edit in between is noticed by the next build.
        let before = self.stamp(&settings, &sources, &[]);
        if let Ok(stamp) = self.stamp(&settings, &sources, &others)
            && let Some(component) = kept.component(&stamp)
        {
            return place(&self.name, &component, apps);
        }

        say(format_args!("building {} from {} (JavaScript)…", self.name, self.shown));
        let tools = Tools::ready(&cache).await?;
        let engine = tools.engine(&cache).await?;
        let work = kept.workplace()?;
        let output = work.join("app.wasm");
        let places = Places { engine: &engine, work: &work, output: &output };
        let made = self.made(&settings, &cache, &places, async |task| make(&tools, task).await).await?;
        let component = fs::read(&output).context("the tools left no component")?;
        // It is as large as the component; what matters of it is kept.
        let _ = fs::remove_dir_all(&work);
        let component = label(component, &EmbeddedConfig::read(ASKS.as_bytes()), &settings.asks)?;

        let is_source = |file: &PathBuf| {
            file.strip_prefix(&self.folder).is_ok_and(|below| sources.iter().any(|source| source == below))
        };
        let others: Vec<PathBuf> = made.files.into_iter().filter(|file| !is_source(file)).collect();
        if self.stamp(&settings, &sources, &[]).is_ok_and(|after| before.is_ok_and(|before| after == before)) {
            let lines: Vec<_> = others.iter().map(|file| file.to_string_lossy()).collect();
            kept.write(OTHERS, &lines.join("\n"))?;
            let stamp = self.stamp(&settings, &sources, &others).context("what it is made of is gone")?;
            kept.keep(&stamp, &component)?;
        }
        place(&self.name, &component, apps)
    }

    /// The same with no app in it: that is laid into the folder `mounted`. Whether it is another than lay there is told.
    async fn make_live(&self, apps: &Path, mounted: &Path) -> anyhow::Result<(Placed, bool)> {
        let settings = self.settings()?;
        let cache = Cache::of_process()?;
        let kept = BuildCache::of_live(&cache, &self.folder, &self.name).await?;
        let failed = || format!("cannot make the folder `{}`", mounted.display());
        fs::create_dir_all(mounted).with_context(failed)?;
        let engine = self.scripts.engine(&cache).await?;
        let places = Places { engine, work: &kept.workplace()?, output: mounted };
        let make = async |task: &Task<'_>| self.scripts.make(&cache, task).await;
        let made = self.made(&settings, &cache, &places, make).await?;
        let component = label(engine.started()?, &EmbeddedConfig::read(ASKS.as_bytes()), &settings.asks)?;
        Ok((place(&self.name, &component, apps)?, made.is_new))
    }

    /// With the packages for where it runs; and with all that its package.json names, if the app imports another of them.
    async fn made(
        &self,
        settings: &Settings,
        cache: &Cache,
        places: &Places<'_>,
        make: impl AsyncFn(&Task<'_>) -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<Made> {
        let manifest = Manifest::read(&self.folder)?;
        let entry = settings.build.app.as_deref();
        let wanted = || *self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let packages = installed::of(&self.folder, &self.shown, wanted(), cache).await?;
            let Places { engine, work, output } = *places;
            let task = Task { folder: &self.folder, entry, packages: &packages, engine, work, output };
            match make(&task).await? {
                Outcome::Made(made) => {
                    self.warn(&made)?;
                    return Ok(made);
                }
                Outcome::Refused(refusal)
                    if wanted() == Wanted::Runtime
                        && refusal.packages.iter().any(|package| manifest.develops_with(package)) =>
                {
                    say(format_args!("  it imports what its package.json has among the packages for its author"));
                    *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Wanted::All;
                }
                Outcome::Refused(refusal) => bail!("{}", refusal.text()),
            }
        }
    }

    fn warn(&self, made: &Made) -> anyhow::Result<()> {
        for warning in &made.warnings {
            say(format_args!("warning: `{}`: {warning}", self.name));
        }
        // Bundlers take whatever is imported, and its author may not know what that was.
        let secrets = SecretNames::below(&self.folder)?;
        for below in made.files.iter().filter_map(|file| file.strip_prefix(&self.folder).ok()) {
            if secrets.has(below) || below.ancestors().skip(1).any(|folder| secrets.has_folder(folder)) {
                let (name, file) = (&self.name, below.display());
                say(format_args!(
                    "warning: `{name}`: `{file}` is imported and in the component, for all who get it: its name is a secret's"
                ));
            }
        }
        Ok(())
    }

    /// Its settings as they are now.
    fn settings(&self) -> anyhow::Result<Settings> {
        let settings = Settings::read(&self.folder, Path::new(&self.shown))?.with_app(self.app.as_deref());
        let others = Build { app: None, app_said: AppSaid::default(), ..settings.build.clone() };
        if others != Build::default() {
            bail!(
                "`{}`: of [build], a JavaScript app knows only `app`: the file that everything begins with",
                Path::new(&self.shown).join(FILE).display()
            );
        }
        Ok(settings)
    }

    /// All that the component depends on: the tools, the settings, the source, and `others` that are bundled with it.
    fn stamp(&self, settings: &Settings, sources: &[PathBuf], others: &[PathBuf]) -> std::io::Result<Digest> {
        let mut stamp = Fingerprint::default();
        stamp.text("tools", &tools::version().to_string());
        stamp.text("asks", ASKS);
        stamp.text("settings", &format!("{settings:?}"));
        stamp.files("source", &self.folder, sources)?;
        stamp.files("others", Path::new("/"), others)?;
        Ok(stamp.digest())
    }
}

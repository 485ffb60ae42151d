//! Apps in JavaScript and TypeScript: bundled, loaded once in their engine, and what is in its memory then is the component.
//!
//! tools (installed once) → packages (what the app uses, installed apart from it) → make (what the tools are asked, and answer)

use std::path::Path;
use std::path::PathBuf;

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
use crate::javascript::make::Made;
use crate::javascript::make::Outcome;
use crate::javascript::make::Task;
use crate::javascript::make::make;
use crate::javascript::packages::installed;
use crate::javascript::tools::Tools;
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

mod make;
mod packages;
pub(crate) mod tools;

/// What an app asks for unless its `guesthouse.toml` says otherwise. An interpreter takes a while to begin, and its heap is
/// larger than what one request needs.
const ASKS: &str =
    "[instances]\nreuse = 1000\ngrowth = \"64MiB\"\n\n[limits]\nmemory = \"256MiB\"\n\n[request]\nbuffer = true\n";

/// Under which name is noted what the component was made from besides the source.
const OTHERS: &str = "others";

/// A folder with a `package.json`.
#[derive(Debug)]
pub struct JavaScript {
    name: AppName,
    shown: String,
    folder: PathBuf,
    settings: Settings,
    watched: [Watched; 1],
}

impl JavaScript {
    /// The app at `source`.
    pub fn of(source: &Source) -> anyhow::Result<JavaScript> {
        let settings = source.settings.clone();
        let others = Build { app: None, app_said: AppSaid::default(), ..settings.build.clone() };
        if others != Build::default() {
            bail!(
                "`{}`: of [build], a JavaScript app knows only `app`: the file that everything begins with",
                Path::new(&source.shown).join(FILE).display()
            );
        }
        Ok(JavaScript {
            name: settings.app_name(&source.folder)?,
            shown: source.shown.clone(),
            folder: source.folder.clone(),
            settings,
            watched: [Watched { folder: source.folder.clone(), deep: true }],
        })
    }

    /// Its name.
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// Where its source lies.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// Puts its component into the folder `apps`. What was made from the same source is not made again.
    pub async fn build(&self, apps: &Path) -> Built {
        let begun = Instant::now();
        let placed = self.make(apps).await;
        Built::one(&self.name, placed, begun.elapsed())
    }

    async fn make(&self, apps: &Path) -> anyhow::Result<Placed> {
        let cache = Cache::of_process()?;
        let kept = BuildCache::of(&cache, &self.folder, &self.name).await?;
        let sources = stage::files(&self.folder, &[], &[])?.files;
        let others: Vec<PathBuf> = kept.note(OTHERS).unwrap_or_default().lines().map(PathBuf::from).collect();
        // Before anything is read, so that an edit in between is noticed by the next build.
        let before = self.stamp(&sources, &[]);
        if let Ok(stamp) = self.stamp(&sources, &others)
            && let Some(component) = kept.component(&stamp)
        {
            return place(&self.name, &component, apps);
        }

        say(format_args!("building {} from {} (JavaScript)…", self.name, self.shown));
        let tools = Tools::ready(&cache).await?;
        let work = kept.workplace()?;
        let made = self.made(&tools, &cache, &work).await?;
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
        // It is as large as the component; what matters of it is kept.
        let _ = std::fs::remove_dir_all(&work);
        let component = label(made.component, &EmbeddedConfig::read(ASKS.as_bytes()), &self.settings.asks)?;

        let is_source = |file: &PathBuf| {
            file.strip_prefix(&self.folder).is_ok_and(|below| sources.iter().any(|source| source == below))
        };
        let others: Vec<PathBuf> = made.files.into_iter().filter(|file| !is_source(file)).collect();
        if self.stamp(&sources, &[]).is_ok_and(|after| before.is_ok_and(|before| after == before)) {
            let lines: Vec<_> = others.iter().map(|file| file.to_string_lossy()).collect();
            kept.write(OTHERS, &lines.join("\n"))?;
            kept.keep(&self.stamp(&sources, &others).context("what it is made of is gone")?, &component)?;
        }
        place(&self.name, &component, apps)
    }

    /// With the packages for where it runs; and with all that its package.json names, if the app imports another of them.
    async fn made(&self, tools: &Tools, cache: &Cache, work: &Path) -> anyhow::Result<Made> {
        let manifest = Manifest::read(&self.folder)?;
        let entry = self.settings.build.app.as_deref();
        let mut wanted = Wanted::Runtime;
        loop {
            let packages = installed::of(&self.folder, &self.shown, wanted, cache).await?;
            let task = Task { folder: &self.folder, entry, packages: &packages, work };
            match make(tools, &task).await? {
                Outcome::Made(made) => return Ok(made),
                Outcome::Refused(refusal)
                    if wanted == Wanted::Runtime
                        && refusal.packages.iter().any(|package| manifest.develops_with(package)) =>
                {
                    say(format_args!("  it imports what its package.json has among the packages for its author"));
                    wanted = Wanted::All;
                }
                Outcome::Refused(refusal) => bail!("{}", refusal.text()),
            }
        }
    }

    /// All that the component depends on: the tools, the settings, the source, and `others` that are bundled with it.
    fn stamp(&self, sources: &[PathBuf], others: &[PathBuf]) -> std::io::Result<Digest> {
        let mut stamp = Fingerprint::default();
        stamp.text("tools", &tools::version().to_string());
        stamp.text("asks", ASKS);
        stamp.text("settings", &format!("{:?}", self.settings));
        stamp.files("source", &self.folder, sources)?;
        stamp.files("others", Path::new("/"), others)?;
        Ok(stamp.digest())
    }
}

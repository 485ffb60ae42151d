//! Apps that are built by a command of their author's own, in whatever language.

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use tokio::process::Command;
use tokio::time::Instant;

use crate::cache::source_digest::SourceDigest;
use crate::cache::source_digest::source;
use crate::config::arguments::Arguments;
use crate::config::embedded::EmbeddedConfig;
use crate::config::settings::Settings;
use crate::output::embed::label;
use crate::output::install::Built;
use crate::output::install::Placed;
use crate::output::install::place;
use crate::progress::say;
use crate::run::shown;
use crate::source::find::Source;
use crate::source::watched::Watched;

/// A source whose `guesthouse.toml` says how it is built.
#[derive(Debug)]
pub struct OwnCommand {
    name: AppName,
    shown: String,
    folder: PathBuf,
    command: Arguments,
    output: PathBuf,
    settings: Settings,
    watched: [Watched; 1],
    /// The source as it was when the last build began.
    seen: SourceDigest,
}

impl OwnCommand {
    /// The one at `source`, if it has a command.
    pub fn of(source: &Source) -> anyhow::Result<Option<OwnCommand>> {
        let settings = source.settings.clone();
        let (Some(command), Some(output)) = (settings.build.command.clone(), settings.build.output.clone()) else {
            return Ok(None);
        };
        Ok(Some(OwnCommand {
            name: settings.app_name(&source.folder)?,
            shown: source.shown.clone(),
            folder: source.folder.clone(),
            command,
            output,
            settings,
            watched: [Watched { folder: source.folder.clone(), deep: true }],
            seen: SourceDigest::default(),
        }))
    }

    /// Its app.
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// Where its source lies.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// Whether its source differs from what the last build began with. Commands write beside the source, and that shall
    /// not have them begun again for ever.
    pub fn is_edited(&self) -> bool {
        self.seen.differs(self.source())
    }

    /// Runs the command, and puts what it leaves into the folder `apps`.
    pub async fn build(&self, apps: &Path) -> Built {
        self.seen.set(self.source());
        let begun = Instant::now();
        say(format_args!("building {} from {} (`{}`)…", self.name, self.shown, self.command));
        let placed = self.make(apps).await;
        Built::one(&self.name, placed, begun.elapsed())
    }

    async fn make(&self, apps: &Path) -> anyhow::Result<Placed> {
        let Some((program, arguments)) = self.command.0.split_first() else { bail!("there is no command") };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        let ended = shown(&mut command).await.with_context(|| format!("cannot start `{program}`"))?;
        if !ended.success() {
            bail!("`{}` ended with {ended}", self.command);
        }
        let bytes = std::fs::read(self.folder.join(&self.output))
            .with_context(|| format!("`{}` did not leave `{}`", self.command, self.output.display()))?;
        place(&self.name, &label(bytes, &EmbeddedConfig::default(), &self.settings.asks)?, apps)
    }

    fn source(&self) -> Option<Digest> {
        source(&self.folder, &self.settings.build, Some(&self.output))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use guesthouse_test_guests as guest;

    use super::*;
    use crate::source::find::discover;

    fn author(folder: &Path, script: &str) -> OwnCommand {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("build.sh"), script).unwrap();
        let settings = "[build]\ncommand = \"sh build.sh\"\noutput = \"made/app.wasm\"\n[instances]\nreuse = 7\n";
        fs::write(folder.join("guesthouse.toml"), settings).unwrap();
        let source = discover(&[folder.to_owned()], None).unwrap().remove(0);
        OwnCommand::of(&source).unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_the_command_leaves_is_labelled_and_placed() {
        let home = tempfile::tempdir().unwrap();
        let (folder, apps) = (home.path().join("My_Shop"), home.path().join("apps"));
        let component = guest::component(guest::HELLO_HTTP);
        let own = author(&folder, &format!("mkdir -p made && cp {} made/app.wasm", component.display()));
        assert!(own.is_edited());
        let built = own.build(&apps).await;
        assert!(built.failed.is_empty(), "{built:?}");
        assert!(!own.is_edited(), "what it made itself is no edit");
        let bytes = fs::read(apps.join("my-shop.wasm")).unwrap();
        let settings = guesthouse_component::inspect::inspect(&bytes).unwrap().settings;
        assert_eq!(settings.as_deref(), Some(&b"[instances]\nreuse = 7\n"[..]));
        fs::write(folder.join("source.c"), "edited").unwrap();
        assert!(own.is_edited());
    }

    #[tokio::test]
    async fn a_command_that_fails_is_told_by_name() {
        let home = tempfile::tempdir().unwrap();
        for (script, expected) in [
            ("exit 3", "`sh build.sh` ended with exit status: 3"),
            ("true", "`sh build.sh` did not leave `made/app.wasm`: "),
            ("mkdir -p made; echo no >made/app.wasm", "it is not an app: not WebAssembly"),
        ] {
            let own = author(&home.path().join("shop"), script);
            let built = own.build(&home.path().join("apps")).await;
            let why = &built.failed[&AppName::parse("shop").unwrap()];
            assert!(why.starts_with(expected), "{why}");
        }
        assert!(!home.path().join("apps").exists());
    }
}

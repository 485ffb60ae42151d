//! `guesthouse.toml` beside a source: what its author wants otherwise than the builder would do it.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use guesthouse_manifest::section::TABLES;
use guesthouse_types::name::AppName;
use guesthouse_types::toml_error::explain;
use serde::Deserialize;

use crate::config::arguments::Arguments;
use crate::config::arguments::Request;
use crate::config::embedded::EmbeddedConfig;
use crate::config::embedded::check;

/// How the file is called, in whatever language.
pub const FILE: &str = "guesthouse.toml";

/// What stands in the file; nothing of it must.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The app's name, instead of the folder's.
    pub name: Option<String>,
    /// How it is built.
    pub build: Build,
    /// What goes into the component's section.
    pub asks: EmbeddedConfig,
}

/// How an app is built. What a language has no use for is refused by its builder.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// Python: `module:callable`. JavaScript: the file that everything begins with.
    pub app: Option<String>,
    /// Where that was said.
    #[serde(skip)]
    pub app_said: AppSaid,
    /// Which of Python's interfaces the callable has, if it cannot be told.
    pub interface: Option<Interface>,
    /// What is imported when the component is made.
    pub snapshot: Option<Snapshot>,
    /// What the app needs: requirements, or files of them.
    pub requirements: Option<Vec<String>>,
    /// Requests that the app answers while it is built, so that the first visitor finds it warm.
    pub warm: Option<Vec<Request>>,
    /// Files that are not for the component, in the grammar of `.gitignore`.
    pub exclude: Vec<String>,
    /// Files that are for it although they would be left out: databases, what `.gitignore` names.
    pub include: Vec<String>,
    /// Commands that are run in the guest while it is built.
    pub run: Option<Vec<Arguments>>,
    /// Commands that are run in the guest once for each revision that has state.
    pub prepare: Option<Vec<Arguments>>,
    /// A command of the author's own that makes the component.
    pub command: Option<Arguments>,
    /// What that command leaves.
    pub output: Option<PathBuf>,
}

/// Who said where the app begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppSaid {
    /// `guesthouse.toml`
    #[default]
    File,
    /// `--app`
    CommandLine,
}

/// The interface between a Python app and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// PEP 3333.
    Wsgi,
    /// The asynchronous one.
    Asgi,
}

/// What is in memory already when an instance begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Snapshot {
    /// The app, imported and warm.
    App,
    /// What it uses; the app itself is imported at an instance's first request.
    Libraries,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    #[serde(default)]
    build: Build,
    #[serde(default)]
    instances: toml::Table,
    #[serde(default)]
    limits: toml::Table,
    #[serde(default)]
    state: toml::Table,
    #[serde(default)]
    request: toml::Table,
}

impl Settings {
    /// Reads the file in `folder`, if there is one. `shown` is how the folder is called in errors.
    pub fn read(folder: &Path, shown: &Path) -> anyhow::Result<Settings> {
        let file = shown.join(FILE);
        match fs::read_to_string(folder.join(FILE)) {
            Ok(text) => Settings::parse(&file, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", file.display())),
        }
    }

    fn parse(file: &Path, text: &str) -> anyhow::Result<Settings> {
        let shown = file.display();
        let written: Written = toml::from_str(text).map_err(|error| anyhow!(explain(&shown, text, &error)))?;
        let Written { name, build, instances, limits, state, request } = written;
        if let Some(name) = &name {
            AppName::parse(name).with_context(|| format!("{shown}: `name`"))?;
        }
        match (&build.command, &build.output) {
            (Some(_), None) => bail!("{shown}: `command` needs `output`: the component that it leaves"),
            (None, Some(_)) => bail!("{shown}: `output` is what `command` leaves, and there is none"),
            _ => {}
        }
        let asks = EmbeddedConfig::of(TABLES, [instances, limits, state, request]);
        if let Err(what) = check(&asks.text()) {
            // Where the tables stand as such, the line can be told as well.
            let told = check(&asks_alone(text)).err().unwrap_or_else(|| without_line(&what).to_owned());
            bail!("{shown}{told}");
        }
        Ok(Settings { name, build, asks })
    }

    /// These, with the app that the command line names instead of the file's.
    pub fn with_app(mut self, app: Option<&str>) -> Settings {
        if let Some(app) = app {
            self.build.app = Some(app.to_owned());
            self.build.app_said = AppSaid::CommandLine;
        }
        self
    }

    /// The app's name: as it is said, or as the folder is called.
    pub fn app_name(&self, folder: &Path) -> anyhow::Result<AppName> {
        let called = folder.file_name().unwrap_or_default().to_string_lossy();
        let name = match &self.name {
            Some(name) => name.clone(),
            None => called.replace(['_', ' ', '.'], "-").to_ascii_lowercase(),
        };
        AppName::parse(&name)
            .with_context(|| format!("the folder `{called}` (`name = \"…\"` in its {FILE} gives the app another name)"))
    }
}

/// `text` with nothing in it but the tables that go into the section, each line where it was.
fn asks_alone(text: &str) -> String {
    let mut inside = false;
    let keep = |line: &str| {
        if let Some(header) = line.trim_start().strip_prefix('[') {
            inside = TABLES.iter().any(|table| header.trim_start().starts_with(table));
        }
        if inside { line.to_owned() } else { String::new() }
    };
    text.lines().map(keep).collect::<Vec<_>>().join("\n")
}

/// `:2: what` as `: what`.
fn without_line(what: &str) -> &str {
    let after = what.strip_prefix(':').unwrap_or(what).trim_start_matches(|c: char| c.is_ascii_digit());
    if after.starts_with(':') { after } else { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Settings> {
        Settings::parse(Path::new("shop/guesthouse.toml"), text)
    }

    fn refused(text: &str, expected: &str) {
        assert_eq!(format!("{:#}", parse(text).unwrap_err()), format!("shop/guesthouse.toml{expected}"));
    }

    #[test]
    fn everything_can_be_said() {
        let text = r#"
            name = "shop"
            [build]
            app = "shop.wsgi:application"
            interface = "wsgi"
            snapshot = "libraries"
            requirements = ["flask>=3", "requirements.txt"]
            warm = ["/", { path = "/login", method = "POST", body = "a=b", headers = { accept = "*/*" } }]
            exclude = ["docs/**"]
            include = ["fixtures.db"]
            run = ["manage.py collectstatic --noinput", ["manage.py", "say", "two words"]]
            prepare = []
            [instances]
            reuse = 10
            [limits]
            memory = "1GiB"
        "#;
        let Settings { name, build, asks } = parse(text).unwrap();
        assert_eq!(name.as_deref(), Some("shop"));
        assert_eq!((build.interface, build.snapshot), (Some(Interface::Wsgi), Some(Snapshot::Libraries)));
        let warm = build.warm.unwrap();
        assert_eq!((warm[0].method.as_str(), warm[1].method.as_str()), ("GET", "POST"));
        assert_eq!(build.run.unwrap()[1].0, ["manage.py", "say", "two words"]);
        assert_eq!(build.prepare, Some(Vec::new()));
        assert_eq!(asks.text(), "[instances]\nreuse = 10\n\n[limits]\nmemory = \"1GiB\"\n");
        assert_eq!(parse("").unwrap(), Settings::default());
    }

    #[test]
    fn every_table_of_a_section_may_stand_in_the_file() {
        for name in TABLES {
            let text = format!("[{name}]\nsurely-no-key = 1");
            refused(&text, &check(&text).unwrap_err());
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        refused("[build]\nap = 1", ":2: unknown key `ap` in [build] (did you mean `app`?)");
        refused("\n[instnces]", ":2: unknown key `instnces` (did you mean `instances`?)");
        refused("[build]\nwarm = [{ pth = \"/\" }]", ":2: unknown key `pth` in [build] (did you mean `path`?)");
        refused("[build]\ninterface = \"cgi\"", ":2: unknown value `cgi` (known here: wsgi, asgi)");
        refused("name = \"x\"\n[limits]\nmemry = 3", ":3: unknown key `memry` in [limits] (did you mean `memory`?)");
        refused("limits = { memry = 3 }", ": unknown key `memry` in [limits] (did you mean `memory`?)");
        refused("[limits]\nmemory = 0", ": `limits`: `memory` is zero: the app could never answer");
        refused("[build]\ncommand = \"make\"", ": `command` needs `output`: the component that it leaves");
        let name = parse("name = \"My Shop\"").unwrap_err();
        assert!(format!("{name:#}").starts_with("shop/guesthouse.toml: `name`: "), "{name:#}");
    }

    #[test]
    fn an_app_is_called_like_its_folder_unless_it_is_named() {
        let settings = |text| parse(text).unwrap();
        assert_eq!(settings("").app_name("/src/My_Shop".as_ref()).unwrap().as_str(), "my-shop");
        assert_eq!(settings("name = \"till\"").app_name("/src/shop".as_ref()).unwrap().as_str(), "till");
        let error = settings("").app_name("/src/größe".as_ref()).unwrap_err();
        assert!(error.to_string().contains("`name = "), "{error}");
    }
}

//! What the SDK says about a build from within the guest: `report.json` beside the entry module.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::python::component::missing;

/// The report. What is not in it did not happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Report {
    /// What was being done when it was written: `import`, `warm`, `seal`.
    pub stage: Option<String>,
    /// `wsgi` or `asgi`.
    pub interface: Option<String>,
    /// The requests that the app has answered.
    pub warm: Vec<Warm>,
    /// Templates that were compiled.
    pub templates: usize,
    /// Variables that the app's own code read while it was imported.
    pub environment: Vec<Read>,
    /// Why there is no component, in a sentence.
    pub refused: Option<String>,
    /// Python's own words about it.
    pub traceback: Option<String>,
    /// What an author should know.
    pub warnings: Vec<String>,
    /// The commands that were run.
    pub ran: Vec<Ran>,
    /// What the app kept open.
    pub leaked: Vec<String>,
    /// What these commands made beside the app's code: its static files, gathered in one place.
    pub collected: Vec<String>,
    /// What the app wrote beside its code when it was imported.
    pub made: Vec<String>,
    /// The same by the end of the warm-up.
    pub written: Vec<String>,
}

/// A request that warmed the app up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Warm {
    path: String,
    method: String,
    status: Option<serde_json::Value>,
}

/// A variable that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Read {
    /// Its name.
    pub name: String,
    /// The file that reads it, in the guest: `/0/shop/settings.py`.
    pub file: String,
    /// In which line.
    pub line: u32,
}

/// A command that was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Ran {
    command: Vec<String>,
    output: String,
}

/// The SDK's words (`sdk/python/guesthouse/network.py`).
const NO_NETWORK: &str = "there is no network while the component is built";

impl Report {
    /// The report in `folder`, if the build came that far.
    pub fn read(folder: &Path) -> Option<Report> {
        serde_json::from_slice(&fs::read(folder.join("report.json")).ok()?).ok()
    }

    /// Why there is no component, if the warm-up may be to blame: the app was imported before it.
    pub fn blames_the_warm_up(&self) -> Option<String> {
        match (self.stage.as_deref(), &self.refused) {
            (Some("warm"), refused) => Some(refused.clone().unwrap_or_else(|| "the guest trapped".to_owned())),
            (Some("seal"), Some(_)) if !self.leaked.is_empty() => {
                Some(format!("it keeps open what an instance would not have any more: {}", self.leaked.join(", ")))
            }
            _ => None,
        }
    }

    /// What the app did when it was imported that only an instance can have: something that stays open, the network, or files
    /// beside its code, which are to be made where it runs.
    pub fn asks_for_an_instance(&self) -> Option<String> {
        if let Some(first) = self.made.first() {
            return Some(format!("it makes `{first}` beside its code when it is imported"));
        }
        let refused = self.refused.as_ref()?;
        match self.leaked.as_slice() {
            [] if refused.contains(NO_NETWORK) => Some(refused.clone()),
            [] => None,
            leaked => Some(format!("it keeps open {}", leaked.join(", "))),
        }
    }

    /// What the app did while it was built: `warm-up GET / -> 200`.
    pub fn told(&self) -> Vec<String> {
        let ran = self.ran.iter().map(|ran| {
            let said = ran.output.trim().lines().next_back().unwrap_or("done");
            format!("`{}`: {said}", ran.command.join(" "))
        });
        let warm = self.warm.iter().map(|warm| match &warm.status {
            Some(status) => {
                format!("warm-up {} {} -> {}", warm.method, warm.path, status.to_string().trim_matches('"'))
            }
            None => format!("warm-up {} {} -> no answer", warm.method, warm.path),
        });
        let templates = match self.templates {
            0 => None,
            1 => Some("1 template compiled".to_owned()),
            many => Some(format!("{many} templates compiled")),
        };
        ran.chain(warm).chain(templates).collect()
    }

    /// Why there is no component: what to do, if that is known, then why, and then Python's own words. The source is in
    /// `folder`. `known` is what others know about it.
    pub fn failure(&self, folder: &Path, known: Option<&str>) -> Option<String> {
        let refused = self.refused.as_ref()?;
        let module = refused.split("No module named '").nth(1).and_then(|rest| rest.split('\'').next());
        let mut text = match (known, module) {
            (Some(known), _) => format!("{refused} ({known})"),
            (None, Some(module)) => {
                format!("the module `{module}` is missing: {}\n{refused}", missing::advice(module, folder))
            }
            (None, None) => refused.clone(),
        };
        if let Some(traceback) = &self.traceback {
            text.push_str(&format!("\n{}", own_frames(traceback)));
        }
        Some(text)
    }
}

/// Where frames lie that tell an author nothing: the SDK, and what loads modules.
const OF_NO_INTEREST: [&str; 4] =
    ["\"/1/guesthouse", "\"/3/guesthouse_entry", "\"<frozen importlib", "\"/python/importlib"];

/// The traceback without those, and with the names of files as the author has them.
fn own_frames(traceback: &str) -> String {
    let (mut kept, mut skips) = (Vec::new(), false);
    for line in traceback.trim_end().lines() {
        if line.starts_with("  File \"") {
            skips = OF_NO_INTEREST.iter().any(|place| line.contains(place));
        } else if !line.starts_with("    ") {
            skips = false;
        }
        if !skips {
            kept.push(line.replace("\"/0/", "\"").replace("\"/2/", "\"packages: "));
        }
    }
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEBACK: &str = "Traceback (most recent call last):\n  File \"/1/guesthouse/entry.py\", line 99, in import_app\n    \
                             service.load()\n    ~~~~^^\n  File \"<frozen importlib._bootstrap>\", line 1, in _find\n  File \
                             \"/0/app.py\", line 1, in <module>\n    import flask\nModuleNotFoundError: No module named 'flask'\n";

    #[test]
    fn a_failed_import_is_told_with_the_apps_own_lines() {
        let report = Report {
            refused: Some("`app:app` cannot be imported: ModuleNotFoundError: No module named 'flask'".to_owned()),
            traceback: Some(TRACEBACK.to_owned()),
            ..Report::default()
        };
        let expected = "the module `flask` is missing: add the package that provides it to requirements.txt, or to `[build] \
                        requirements` in guesthouse.toml; look it up first: its name may differ from the module's\n\
                        `app:app` cannot be imported: ModuleNotFoundError: No module named 'flask'\nTraceback (most recent call last):\n  File \"app.py\", line 1, in <module>\n    import flask\nModuleNotFoundError: No module \
                        named 'flask'";
        assert_eq!(report.failure(Path::new("/nowhere"), None).unwrap(), expected);
        assert_eq!(Report::default().failure(Path::new("/nowhere"), None), None);
    }

    #[test]
    fn a_warm_up_is_blamed_for_a_trap_and_for_what_stays_open() {
        let report = |stage: &str, refused: Option<&str>, leaked: &[&str]| Report {
            stage: Some(stage.to_owned()),
            refused: refused.map(str::to_owned),
            leaked: leaked.iter().map(|what| (*what).to_owned()).collect(),
            ..Report::default()
        };
        let blamed = |report: Report| report.blames_the_warm_up();
        assert_eq!(blamed(report("import", Some("no"), &[])), None);
        assert_eq!(blamed(report("warm", None, &[])), Some("the guest trapped".to_owned()));
        assert_eq!(blamed(report("warm", Some("no"), &[])), Some("no".to_owned()));
        assert_eq!(blamed(report("seal", Some("no"), &[])), None);
        let open = "it keeps open what an instance would not have any more: a socket";
        assert_eq!(blamed(report("seal", Some("no"), &["a socket"])), Some(open.to_owned()));
        assert_eq!(blamed(report("seal", None, &[])), None);

        let asked = |report: Report| report.asks_for_an_instance();
        assert_eq!(asked(report("import", Some("no module"), &[])), None);
        let made = Report { made: vec!["instance".to_owned()], ..Report::default() };
        assert_eq!(asked(made).as_deref(), Some("it makes `instance` beside its code when it is imported"));
        assert_eq!(asked(report("seal", Some("no"), &["a file"])), Some("it keeps open a file".to_owned()));
        let refused = "OSError: [Errno 40] there is no network while the component is built: `socket.socket`";
        assert_eq!(asked(report("import", Some(refused), &[])), Some(refused.to_owned()));
    }

    #[test]
    fn what_the_app_did_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Report::read(folder.path()), None);
        let text = r#"{"interface": "wsgi", "templates": 2, "warm": [{"path": "/", "method": "GET", "status": 200, "bytes": 5, "error": null},
            {"path": "/x", "method": "GET", "status": null}], "modules": 3,
            "ran": [{"command": ["manage.py", "collectstatic"], "code": 0, "output": "x\n120 files copied.\n"}]}"#;
        fs::write(folder.path().join("report.json"), text).unwrap();
        let report = Report::read(folder.path()).unwrap();
        let expected = [
            "`manage.py collectstatic`: 120 files copied.",
            "warm-up GET / -> 200",
            "warm-up GET /x -> no answer",
            "2 templates compiled",
        ];
        assert_eq!(report.told(), expected);
    }
}

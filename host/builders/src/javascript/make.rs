//! What the tools are asked for one app, and what they answer: a JSON object a line.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::bail;
use serde::Deserialize;
use serde_json::json;

use crate::javascript::tools::Tools;
use crate::javascript::tools::explain_missing;
use crate::progress::say;
use crate::progress::seconds;
use crate::run::output;

/// What is to be made.
pub struct Task<'a> {
    /// Where the source lies; nothing is written there.
    pub folder: &'a Path,
    /// The file that everything begins with, if its author names it.
    pub entry: Option<&'a str>,
    /// More folders `node_modules`.
    pub packages: &'a [PathBuf],
    /// An empty folder.
    pub work: &'a Path,
}

/// What was made.
pub struct Made {
    /// The component.
    pub component: Vec<u8>,
    /// All files that are in it.
    pub files: Vec<PathBuf>,
    /// What its author should know.
    pub warnings: Vec<String>,
}

/// What came of it.
pub enum Outcome {
    /// A component.
    Made(Made),
    /// What its author has to change.
    Refused(Refusal),
}

/// Why there is no component.
#[derive(Deserialize)]
pub struct Refusal {
    refused: String,
    more: String,
    /// The packages that are imported and not there.
    #[serde(default)]
    pub packages: Vec<String>,
}

impl Refusal {
    /// All of it.
    pub fn text(&self) -> String {
        format!("{}{}", self.refused, below(&self.more))
    }
}

/// A line of the answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Phase { phase: String, about: String, ms: u64 },
    Refused(Refusal),
    Done { done: Done },
}

#[derive(Deserialize)]
struct Done {
    files: Vec<PathBuf>,
    warnings: Vec<String>,
}

/// Makes it.
pub async fn make(tools: &Tools, task: &Task<'_>) -> anyhow::Result<Outcome> {
    let component = task.work.join("app.wasm");
    let asked = json!({
        "folder": task.folder,
        "entry": task.entry,
        "packages": task.packages,
        "template": tools.template(),
        "work": task.work,
        "output": component,
    });
    let ended = output(tools.node("build.mjs").arg(asked.to_string())).await;
    let ended = ended.map_err(|error| explain_missing("node", error))?;
    let mut done = None;
    for line in String::from_utf8_lossy(&ended.stdout).lines() {
        match serde_json::from_str(line) {
            Ok(Line::Phase { phase, about, ms }) => {
                say(format_args!("  {phase} {about} in {}", seconds(Duration::from_millis(ms))))
            }
            Ok(Line::Refused(refusal)) => return Ok(Outcome::Refused(refusal)),
            Ok(Line::Done { done: all }) => done = Some(all),
            // A package that prints something while it is bundled; it is no concern of ours.
            Err(_) => {}
        }
    }
    let Some(Done { files, warnings }) = done else {
        let said = String::from_utf8_lossy(&ended.stderr);
        bail!("the tools ended with {} and no component{}", ended.status, below(said.trim()));
    };
    let component = fs::read(&component).context("the tools left no component")?;
    Ok(Outcome::Made(Made { component, files, warnings }))
}

/// A text of several lines, below the sentence that it explains.
fn below(text: &str) -> String {
    text.lines().map(|line| format!("\n    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one_of_three() {
        let phase = r#"{"phase":"bundled","about":"index.js","ms":12}"#;
        assert!(matches!(serde_json::from_str(phase), Ok(Line::Phase { ms: 12, .. })));
        let refused = r#"{"refused":"no file is the app","more":""}"#;
        assert!(matches!(serde_json::from_str(refused), Ok(Line::Refused(_))));
        let done = r#"{"done":{"entry":"index.js","files":["/a/index.js"],"warnings":[]}}"#;
        assert!(matches!(serde_json::from_str(done), Ok(Line::Done { .. })));
        assert!(serde_json::from_str::<Line>("hello").is_err());
        assert_eq!(below("one\ntwo"), "\n    one\n    two");
        assert_eq!(below(""), "");
    }
}

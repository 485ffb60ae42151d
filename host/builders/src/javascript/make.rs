//! What the tools are asked for one app, and what they answer: a JSON object a line.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use serde::Deserialize;
use serde_json::json;

use crate::javascript::tools::Engine;
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
    /// What loads it.
    pub engine: &'a Engine,
    /// An empty folder.
    pub work: &'a Path,
    /// Where the result goes: a file for a component, a folder for a script.
    pub output: &'a Path,
}

impl Task<'_> {
    /// As the tools read it: a line.
    pub fn text(&self) -> String {
        let Task { folder, entry, packages, engine, work, output } = self;
        let template = engine.folder();
        json!({ "folder": folder, "entry": entry, "packages": packages, "template": template, "work": work, "output": output })
            .to_string()
    }
}

/// What came of it.
pub enum Outcome {
    /// It is made.
    Made(Made),
    /// What its author has to change.
    Refused(Refusal),
}

/// What was made.
#[derive(Deserialize)]
pub struct Made {
    /// All files that are in it.
    pub files: Vec<PathBuf>,
    /// What its author should know.
    pub warnings: Vec<String>,
    /// Whether it is another than lay there before.
    pub is_new: bool,
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
pub enum Answer {
    /// A part of the work is done.
    Phase {
        /// Which.
        phase: String,
        /// What came of it.
        about: String,
        /// How long it took.
        ms: u64,
    },
    /// There is nothing.
    Refused(Refusal),
    /// All of it is done.
    Done {
        /// What was made.
        done: Made,
    },
}

impl Answer {
    /// The one that `line` is, unless a package has printed it while it was bundled.
    pub fn of(line: &str) -> Option<Answer> {
        serde_json::from_str(line).ok()
    }
}

/// Makes a component.
pub async fn make(tools: &Tools, task: &Task<'_>) -> anyhow::Result<Outcome> {
    let ended = output(tools.node("build.mjs").arg(task.text())).await;
    let ended = ended.map_err(|error| explain_missing("node", error))?;
    for line in String::from_utf8_lossy(&ended.stdout).lines() {
        match Answer::of(line) {
            Some(Answer::Phase { phase, about, ms }) => {
                say(format_args!("  {phase} {about} in {}", seconds(Duration::from_millis(ms))))
            }
            Some(Answer::Refused(refusal)) => return Ok(Outcome::Refused(refusal)),
            Some(Answer::Done { done }) => return Ok(Outcome::Made(done)),
            None => {}
        }
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    bail!("the tools ended with {} and no component{}", ended.status, below(said.trim()));
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
        assert!(matches!(Answer::of(phase), Some(Answer::Phase { ms: 12, .. })));
        let refused = r#"{"refused":"no file is the app","more":""}"#;
        assert!(matches!(Answer::of(refused), Some(Answer::Refused(_))));
        let done = r#"{"done":{"entry":"index.js","files":["/a/index.js"],"warnings":[],"is_new":true}}"#;
        assert!(matches!(Answer::of(done), Some(Answer::Done { done: Made { is_new: true, .. } })));
        assert!(Answer::of("hello").is_none());
        assert_eq!(below("one\ntwo"), "\n    one\n    two");
        assert_eq!(below(""), "");
    }
}

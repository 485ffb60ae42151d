//! What the tools are asked for one app, and what they answer: a JSON object a line.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::bail;
use serde::Deserialize;
use serde_json::json;

use crate::builders::javascript::tools::Tools;
use crate::builders::javascript::tools::explain_missing;
use crate::builders::run::output;
use crate::builders::say::say;
use crate::builders::say::seconds;

/// What is to be made.
pub struct Task<'a> {
    /// Where the source lies; nothing is written there.
    pub folder: &'a Path,
    /// The file that everything begins with, if its author names it.
    pub entry: Option<&'a str>,
    /// Another folder `node_modules`.
    pub packages: Option<&'a Path>,
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

/// A line of the answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Phase { phase: String, about: String, ms: u64 },
    Refused { refused: String, more: String },
    Done { done: Done },
}

#[derive(Deserialize)]
struct Done {
    files: Vec<PathBuf>,
    warnings: Vec<String>,
}

/// Makes it.
pub async fn make(tools: &Tools, task: Task<'_>) -> anyhow::Result<Made> {
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
            Ok(Line::Refused { refused, more }) => bail!("{refused}{}", below(&more)),
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
    Ok(Made { component, files, warnings })
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
        assert!(matches!(serde_json::from_str(refused), Ok(Line::Refused { .. })));
        let done = r#"{"done":{"entry":"index.js","files":["/a/index.js"],"warnings":[]}}"#;
        assert!(matches!(serde_json::from_str(done), Ok(Line::Done { .. })));
        assert!(serde_json::from_str::<Line>("hello").is_err());
        assert_eq!(below("one\ntwo"), "\n    one\n    two");
        assert_eq!(below(""), "");
    }
}

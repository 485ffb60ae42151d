//! The Python of this machine: only tools run in it, never an app.

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::bail;
use serde::Deserialize;
use tokio::time::timeout;

use crate::python::toolchain::environment::with_network;
use crate::run::output;

/// The oldest that the tools run in.
const OLDEST: (u32, u32) = (3, 9);

/// It only prints a line; but it may lie on a network.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What is asked of it.
const QUESTION: &str = "\
import importlib.util, json, sys
has = lambda name: importlib.util.find_spec(name) is not None
print(json.dumps({'executable': sys.executable, 'version': list(sys.version_info[:2]), 'venv': has('venv') and has('ensurepip')}))";

/// A Python that was found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Interpreter {
    /// The program itself, behind whatever stands for it on the `PATH`.
    pub executable: PathBuf,
    /// As in `(3, 11)`.
    pub version: (u32, u32),
    /// Whether it can make environments.
    venv: bool,
}

/// Finds `python3` or `python` on the `PATH`.
pub async fn find() -> anyhow::Result<Interpreter> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut seen = Vec::new();
    for name in ["python3", "python"] {
        for program in env::split_paths(&path).map(|folder| folder.join(name)).filter(|program| program.is_file()) {
            match ask(&program).await {
                Ok(found) => seen.push(found),
                Err(error) => {
                    tracing::debug!(
                        target: "guesthouse::build",
                        "`{}` is not asked again: {error:#}",
                        program.display()
                    )
                }
            }
            if let Some(usable) = seen.iter().find(|found| found.version >= OLDEST && found.venv) {
                return Ok(usable.clone());
            }
        }
    }
    bail!("{}", missing(&seen))
}

async fn ask(program: &Path) -> anyhow::Result<Interpreter> {
    let mut command = with_network(program);
    let asked = timeout(ANSWER_WITHIN, output(command.args(["-I", "-c", QUESTION]))).await.context("no answer")??;
    if !asked.status.success() {
        bail!("it ended with {}", asked.status);
    }
    serde_json::from_slice(&asked.stdout).context("it answered something else")
}

/// What to do when none of those found can be used.
fn missing(seen: &[Interpreter]) -> String {
    let (major, minor) = OLDEST;
    if let Some(found) = seen.iter().find(|found| found.version >= OLDEST) {
        return format!(
            "`{}` cannot make the environment that tools are installed into: its modules venv and ensurepip are missing \
             (Debian: apt-get install python3-venv)",
            found.executable.display()
        );
    }
    let older = seen.first().map_or(String::new(), |found| {
        format!(" (`{}` is {}.{})", found.executable.display(), found.version.0, found.version.1)
    });
    format!(
        "building Python apps needs Python {major}.{minor} or newer, and there is none on the PATH{older}: Debian has it with \
         apt-get install python3 python3-venv, others at https://www.python.org/downloads/"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(version: (u32, u32), venv: bool) -> Interpreter {
        Interpreter { executable: "/usr/bin/python3".into(), version, venv }
    }

    #[test]
    fn what_is_missing_is_one_sentence_with_the_command() {
        let expected = "building Python apps needs Python 3.9 or newer, and there is none on the PATH: Debian has it with \
                        apt-get install python3 python3-venv, others at https://www.python.org/downloads/";
        assert_eq!(missing(&[]), expected);
        assert!(missing(&[seen((3, 7), true)]).contains("there is none on the PATH (`/usr/bin/python3` is 3.7): "));
        let without = missing(&[seen((3, 7), true), seen((3, 12), false)]);
        assert!(without.ends_with("(Debian: apt-get install python3-venv)"), "{without}");
    }
}

//! What a build that compiles is given, and why it may come to nothing.

use std::path::Path;
use std::path::PathBuf;

use tokio::process::Command;

/// Why there is no wheel.
#[derive(Debug)]
pub enum Failed {
    /// The package's own build, or a compiler that is not there: in one sentence.
    Refused(String),
    /// Something that the build needs could not be fetched, with all that pip said.
    Offline(Vec<u8>),
    /// Anything else.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Failed {
        Failed::Other(error)
    }
}

/// What a build is given.
pub struct Given {
    /// What compiles, for people: `Rust 1.95.0`.
    pub with: String,
    /// Folders of tools that came from the index: they are found as if they were installed.
    pub tools: Vec<PathBuf>,
    /// Variables, with their values.
    pub environment: Vec<(String, String)>,
    /// Folders that programs are looked for in first.
    pub programs: Vec<PathBuf>,
}

impl Given {
    /// Gives it to `pip`, which builds in the environment at `env`.
    pub fn give(&self, env: &Path, pip: &mut Command) {
        pip.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut folders = self.programs.clone();
        folders.push(env.join("bin"));
        folders.extend(self.tools.iter().map(|tool| tool.join("bin")));
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        if let Ok(path) = std::env::join_paths(folders) {
            pip.env("PATH", path);
        }
    }
}

//! A folder with an author's app in it, and the program that builds it, with tools that are kept from run to run.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::frameworks::hall::tools;
use crate::harness::process::Ended;
use crate::harness::process::command;

/// At first use, tools are installed; and all tests that need them wait for the one that installs.
const PATIENCE: Duration = Duration::from_secs(900);

/// An author's home: `app/` is the source, `apps/` the apps folder.
pub struct Workshop {
    home: TempDir,
}

impl Workshop {
    pub fn with(files: &[(&str, &str)]) -> Workshop {
        let workshop = Workshop { home: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(name, content)| workshop.write(name, content));
        workshop
    }

    /// A file of the source.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.path().join("app").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    pub fn component(&self) -> PathBuf {
        self.path().join("apps/app.wasm")
    }

    /// `guesthouse build app`, to be changed before it is begun.
    pub fn command(&self) -> Command {
        let mut command = command(&["build", "app", "--apps", "apps"], self.path());
        command.env("GUESTHOUSE_TOOLS", tools()).env_remove("SOURCE_DATE_EPOCH");
        command
    }

    pub async fn build(&self) -> Ended {
        run(&mut self.command()).await
    }
}

/// Runs to the end.
pub async fn run(command: &mut Command) -> Ended {
    let output = timeout(PATIENCE, command.output()).await.expect("a build ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

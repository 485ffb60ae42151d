//! The real program, as an operator starts it: its output, its signals, its exit code.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;

use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncRead;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::Command;
use tokio::sync::watch;

use crate::harness::host::program;
use crate::harness::within;

/// A started `guesthouse`. Killed when dropped.
pub struct Process {
    child: Child,
    stdout: watch::Receiver<String>,
    stderr: watch::Receiver<String>,
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// Where rustup and cargo keep what they have, whatever `$HOME` a program under test is given.
fn tool_home(variable: &str, below_home: &str) -> PathBuf {
    let home = std::env::home_dir().unwrap_or_default();
    std::env::var_os(variable).map_or_else(|| home.join(below_home), PathBuf::from)
}

/// `guesthouse` with these arguments, without the surroundings of this test run.
pub fn command(arguments: &[&str], folder: &Path) -> Command {
    command_of(&program(), arguments, folder)
}

/// Any program with these arguments, without the surroundings of this test run.
pub fn command_of(program: &Path, arguments: &[&str], folder: &Path) -> Command {
    bare(Command::new(program), arguments, folder)
}

/// The same, started by `starter`, which finds the program and its arguments at the end of its own.
pub fn command_behind(starter: &[&str], arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(starter[0]);
    command.args(&starter[1..]).arg(program());
    bare(command, arguments, folder)
}

fn bare(mut command: Command, arguments: &[&str], folder: &Path) -> Command {
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).env("HOME", folder).env_remove("XDG_STATE_HOME").env_remove("RUST_LOG");
    command
        .env("RUSTUP_HOME", tool_home("RUSTUP_HOME", ".rustup"))
        .env("CARGO_HOME", tool_home("CARGO_HOME", ".cargo"));
    command.env("NO_COLOR", "1").env_remove("RUST_BACKTRACE");
    command
}

/// Runs to the end.
pub async fn run(arguments: &[&str], folder: &Path) -> Ended {
    run_to_end(&mut command(arguments, folder)).await
}

/// Runs this to the end.
pub async fn run_to_end(command: &mut Command) -> Ended {
    let output = within("the program to end", command.output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Process {
    pub fn start(arguments: &[&str], folder: &Path) -> Process {
        Process::spawn(&mut command(arguments, folder))
    }

    pub fn spawn(command: &mut Command) -> Process {
        let mut child = command.spawn().unwrap();
        let stdout = gather(child.stdout.take().unwrap());
        let stderr = gather(child.stderr.take().unwrap());
        Process { child, stdout, stderr }
    }

    /// Waits for a text on stdout, and returns its line.
    pub async fn says(&mut self, text: &str) -> String {
        wait_for(&mut self.stdout, text)
            .await
            .unwrap_or_else(|| panic!("`{text}` was not said; the log:\n{}", self.log()))
    }

    /// Waits for a text in the log, and returns its line.
    pub async fn logs(&mut self, text: &str) -> String {
        wait_for(&mut self.stderr, text).await.unwrap_or_else(|| panic!("`{text}` was not logged:\n{}", self.log()))
    }

    /// Everything that was logged until now.
    pub fn log(&self) -> String {
        self.stderr.borrow().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> Ended {
        let status = within("the program to end", self.child.wait()).await.unwrap();
        let stdout = to_the_end(self.stdout).await;
        let stderr = to_the_end(self.stderr).await;
        Ended { status, stdout, stderr }
    }
}

fn gather(stream: impl AsyncRead + Unpin + Send + 'static) -> watch::Receiver<String> {
    let (sender, receiver) = watch::channel(String::new());
    tokio::task::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|text| {
                text.push_str(&line);
                text.push('\n');
            });
        }
    });
    receiver
}

async fn wait_for(text: &mut watch::Receiver<String>, wanted: &str) -> Option<String> {
    // Only whole lines: what is looked for may stand before the end of its line.
    let whole = |text: &String| text.lines().any(|line| line.contains(wanted));
    let found = tokio::time::timeout(crate::harness::PATIENCE, text.wait_for(whole)).await.ok()?.ok()?;
    found.lines().find(|line| line.contains(wanted)).map(str::to_owned)
}

async fn to_the_end(mut text: watch::Receiver<String>) -> String {
    while text.changed().await.is_ok() {}
    text.borrow().clone()
}

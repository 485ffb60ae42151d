//! The real program with one app, `revision`, to be swapped while something is wrong.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use guesthouse_test_guests as guest;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::process::Command;

use crate::harness::client::Client;
use crate::harness::folder::AppsFolder;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::within;

/// How it is started.
pub const SERVE: &[&str] =
    &["serve", "--listen", "127.0.0.1:0", "--state", "state", "--admin-listen", "unix:health.sock"];

/// The real program, and where it answers.
pub struct Serving {
    pub host: Process,
    pub address: SocketAddr,
}

/// A folder with an apps folder in it, in which `revision` lies with the number 1.
pub fn home() -> (TempDir, AppsFolder) {
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("revision.wasm", guest::revision(1));
    (home, apps)
}

impl Serving {
    /// Returns when it listens.
    pub async fn begin(command: &mut Command) -> Serving {
        let mut host = Process::spawn(command);
        let line = host.says("listening on http://").await;
        let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
        Serving { host, address }
    }

    /// Returns when `revision` serves.
    pub async fn published(home: &Path) -> Serving {
        let mut serving = Serving::begin(&mut command(SERVE, home)).await;
        serving.host.logs("`revision` is live").await;
        serving
    }

    /// What `revision` answers.
    pub async fn get(&self) -> String {
        Client::new(self.address).get("/revision/").await.text()
    }

    /// Asks until this revision answers. Everything on the way must be an answer of the one before.
    pub async fn until(&self, number: u32) {
        let (before, wanted) = (guest::revision_text(number - 1), guest::revision_text(number));
        let mut client = Client::new(self.address);
        let next = async || client.get("/revision/").await.text();
        until("the new revision", next, |found| *found == wanted, |found| assert_eq!(*found, before)).await;
    }

    /// Fails unless the host says that it is alive, at its listener for health in `home`.
    pub async fn check_alive(&self, home: &Path) {
        let mut socket = UnixStream::connect(home.join("health.sock")).await.unwrap();
        let question = b"GET /.well-known/guesthouse/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        socket.write_all(question).await.unwrap();
        let mut answer = String::new();
        within("an answer about health", socket.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Kills it, and returns when it is no more.
    pub async fn killed(self) {
        self.host.signal(Signal::KILL);
        self.host.ended().await;
    }

    /// How many lines of the log hold this.
    pub fn count(&self, text: &str) -> usize {
        self.host.log().lines().filter(|line| line.contains(text)).count()
    }
}

/// Looks again and again, for what no event tells.
pub async fn until<T>(
    what: &str,
    mut next: impl AsyncFnMut() -> T,
    reached: impl Fn(&T) -> bool,
    meanwhile: impl Fn(&T),
) {
    within(what, async {
        loop {
            let found = next().await;
            if reached(&found) {
                break;
            }
            meanwhile(&found);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Waits until a file holds `words`.
pub async fn until_file(path: &Path, words: &str) {
    let what = format!("`{words}` in {}", path.display());
    let read = async || fs::read_to_string(path).unwrap_or_default();
    until(&what, read, |text| text.contains(words), |_| {}).await;
}

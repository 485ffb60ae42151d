//! An installed program with one app, `hello`.

use std::net::SocketAddr;
use std::path::Path;

use guesthouse_test_guests as guest;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::folder::AppsFolder;
use crate::harness::process::Ended;
use crate::harness::process::command_of;
use crate::harness::process::run_to_end;
use crate::harness::serving::Serving;

/// A folder with `apps/hello.wasm`.
pub fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    AppsFolder::create(home.path().join("apps")).rename_in("hello.wasm", guest::bytes(guest::HELLO));
    home
}

/// Serves from a folder of [`home`], by this program.
pub async fn serve(program: &Path, home: &Path) -> Serving {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--state", "state", "--admin-listen", "off"];
    published(&mut command_of(program, &arguments, home)).await
}

/// Starts it, and returns when `hello` serves.
pub async fn published(command: &mut Command) -> Serving {
    let mut serving = Serving::begin(command).await;
    serving.host.logs("`hello` is live").await;
    serving
}

/// That `hello` answers.
pub async fn assert_answers(address: SocketAddr, host: &str, path: &str) {
    let mut request = get(path);
    request.headers_mut().insert(http::header::HOST, host.parse().unwrap());
    let reply = Client::new(address).send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains("hello"), "{}", reply.text());
}

/// That it answers, and ends well when it is told to.
pub async fn assert_serves(serving: Serving, host: &str, path: &str) {
    assert_answers(serving.address, host, path).await;
    serving.host.signal(Signal::TERM);
    let ended = serving.host.ended().await;
    assert!(ended.status.success(), "{ended:?}");
}

/// Runs any other program, which has to end well.
pub async fn run(program: impl AsRef<Path>, arguments: &[&str], folder: &Path) -> Ended {
    let ended = run_to_end(&mut command_of(program.as_ref(), arguments, folder)).await;
    assert!(ended.status.success(), "{:?} {arguments:?}: {ended:?}", program.as_ref());
    ended
}

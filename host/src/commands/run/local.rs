//! A command run in this process, for no host serves: the app goes the deploy path's own way, with its real state.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use guesthouse_app::app::App;
use guesthouse_app::command::Typed;
use guesthouse_app::command::execute;
use guesthouse_app::places::Places;
use guesthouse_deploy::findings::Findings;
use guesthouse_deploy::reason::Failure;
use guesthouse_deploy::trial;
use guesthouse_deploy::trial::Trial;
use guesthouse_sandbox::engine::Sandbox;
use tokio_util::task::TaskTracker;

use crate::commands::run::show::follow;
use crate::commands::run::wanted::Wanted;
use crate::commands::run::wanted::is_terminal;
use crate::config::Config;

/// Runs what is wanted, and shows what comes of it. `socket` is where a host would have been reached.
pub async fn run(wanted: &Wanted, config: Config, socket: &Path) -> anyhow::Result<ExitCode> {
    let file = config.deploy.apps.join(format!("{}.wasm", wanted.app));
    if !file.is_file() {
        bail!(
            "there is no app `{}`: no host answers at `{}`, and there is no `{}`",
            wanted.app,
            socket.display(),
            file.display()
        );
    }
    let places = Places::new(config.sandbox.instances_max as usize, usize::MAX);
    let sandbox = Arc::new(Sandbox::new(config.sandbox, TaskTracker::new())?);
    let trial = trial(config.deploy, sandbox, places)
        .with_context(|| format!("no host answers at `{}`, and no other can be in its place", socket.display()))?;
    let app = made(&trial, &file)
        .await
        .map_err(|failure| anyhow!("`{}` cannot be run: {}", wanted.app, failure.reason().text))?;
    let in_flight = app.enter().context("the app ended before its command: this is a bug of guesthouse")?;
    let stdin = Box::new(tokio::io::stdin());
    let typed = Typed { arguments: wanted.arguments.clone(), stdin, is_terminal: is_terminal() };
    let (work, frames) = execute(app, in_flight, typed);
    let (code, ()) = tokio::join!(follow(frames), work);
    code
}

/// The app at `file`, as the deploy path would make it ready.
async fn made(trial: &Trial, file: &Path) -> Result<Arc<App>, Failure> {
    let sight = trial.scan_one(file).await?;
    let files = sight.files?;
    let (revision, inspection) = trial.load(&files).await?;
    trial.make((sight.name, &files), revision, inspection, &mut Findings::default()).await
}

//! `guesthouse run`: one command of an app's own, by the host that serves it, or here where none runs.

mod local;
mod remote;
mod show;
pub mod wanted;

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use guesthouse_serve::listen::listener::BindAddress;

use crate::commands::run::wanted::Wanted;
use crate::config::Config;

/// Runs it, shows what it says, and ends as it ended. Dropping the future ends it.
pub async fn run(wanted: Wanted, config: Config) -> anyhow::Result<ExitCode> {
    let socket = match &config.health {
        Some(BindAddress::Unix(socket)) => Some(socket.clone()),
        _ => None,
    };
    if let Some(socket) = &socket
        && let Some(host) = remote::reach(socket).await
    {
        return remote::run(host, &wanted).await;
    }
    if wanted.by_host {
        bail!("no `guesthouse dev` runs in this folder: start it first, in another terminal");
    }
    local::run(&wanted, config, socket.as_deref().unwrap_or(Path::new("admin.sock"))).await
}

//! The man pages: one for the program, and one for each command.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::cli::flags::Cli;

/// Writes `guesthouse.1`, `guesthouse-serve.1` and so on into `folder`.
///
/// # Errors
///
/// When the folder cannot be made or written.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.with_context(|| format!("cannot write the man pages into `{}`", folder.display()))
}

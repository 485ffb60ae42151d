//! `guesthouse check`: what the deploy path would say of files, without one.

mod calls;
mod checked;
mod imports;
mod report;
pub mod walk;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::commands::check::checked::Checked;
use crate::commands::check::checked::Verdict;
use anyhow::Context as _;
use guesthouse_app::places::Places;
use guesthouse_deploy::trial;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_types::escape::json;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use crate::cli::values::ReportFormat;
use crate::commands::check::report::summary;
use crate::commands::check::report::text;
use crate::commands::check::walk::Calls;
use crate::commands::check::walk::check;
use crate::config::Config;
use crate::foreground::announce::print;

/// A state directory for one check. It must outlive everything that may still write into it.
pub fn temporary_state() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("guesthouse-check-").tempdir().context("cannot make a temporary folder")
}

/// Looks at `files`, one after the other, and tells what it finds. Dropping the future stops it.
pub async fn run(files: &[PathBuf], format: ReportFormat, calls: Calls, config: Config) -> anyhow::Result<ExitCode> {
    let places = Places::new(config.sandbox.instances_max as usize, usize::MAX);
    let sandbox = Arc::new(Sandbox::new(config.sandbox, TaskTracker::new())?);
    let trial = trial(config.deploy, sandbox, places)?;
    let mut all = Vec::new();
    for file in files {
        let checked = check(&trial, file, calls).await;
        if format == ReportFormat::Text {
            // Each as soon as it is known: a large one takes a while.
            let gap = if all.is_empty() { "" } else { "\n" };
            print(format!("{gap}{}", text(&checked))).await;
        }
        all.push(checked);
    }
    match format {
        ReportFormat::Text if all.len() > 1 => print(format!("\n{}", summary(&all))).await,
        ReportFormat::Text => {}
        ReportFormat::Json => {
            print(json(&serde_json::to_string_pretty(&all).context("cannot write the result")?).into_owned()).await
        }
    }
    Ok(if all.iter().all(is_taken) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_taken(checked: &Checked) -> bool {
    checked.verdict == Verdict::Taken && !checked.has_violations()
}

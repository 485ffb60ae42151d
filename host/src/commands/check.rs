//! `guesthouse check`: what the drop street would say of files, without one.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use guesthouse_deploy::check::Calls;
use guesthouse_deploy::checked::Checked;
use guesthouse_deploy::checked::Verdict;
use guesthouse_deploy::checker;
use guesthouse_sandbox::engine::Sandbox;
use guesthouse_types::escape::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::attend::announce::print;
use crate::cli::values::ReportFormat;
use crate::commands::report::summary;
use crate::commands::report::text;
use crate::config::Config;

/// A state directory for one check. It must outlive everything that may still write into it.
pub fn temporary_state() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("guesthouse-check-").tempdir().context("cannot make a temporary folder")
}

/// Looks at `files`, one after the other, and tells what it finds. Dropping the future stops it.
pub async fn run(files: &[PathBuf], format: ReportFormat, calls: Calls, config: Config) -> anyhow::Result<ExitCode> {
    let permits = Arc::new(Semaphore::new(config.sandbox.instances_max as usize));
    let sandbox = Arc::new(Sandbox::new(config.sandbox, TaskTracker::new())?);
    let checker = checker(config.deploy, sandbox, permits)?;
    let mut all = Vec::new();
    for file in files {
        let checked = checker.check(file, calls).await;
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

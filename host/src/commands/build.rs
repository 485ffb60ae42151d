//! What `guesthouse build` says when it is done.

use std::process::ExitCode;

use anyhow::Context as _;
use guesthouse_builders::output::install::Built;
use guesthouse_types::escape::json;
use serde_json::Value;
use serde_json::json;

use crate::cli::flags::BuildFlags;
use crate::cli::values::ReportFormat;
use crate::foreground::announce::print;

/// Tells what came of it, for people or for scripts.
pub async fn tell(built: &Built, flags: &BuildFlags) -> anyhow::Result<ExitCode> {
    if flags.format == Some(ReportFormat::Json) {
        let text = serde_json::to_string_pretty(&report(built, flags)).context("cannot write the result")?;
        print(json(&text).into_owned()).await;
    }
    if flags.quiet {
        // All else was said on the way.
        let failed = built.failed.iter().map(|(name, why)| format!("error: `{name}` was not built: {why}\n"));
        crate::telemetry::print(&failed.collect::<String>());
    }
    Ok(if built.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(built: &Built, flags: &BuildFlags) -> Value {
    let apps = built.apps.iter().map(|(name, digest)| {
        let file = flags.apps.join(format!("{name}.wasm"));
        json!({"app": name.as_str(), "file": file.display().to_string(), "sha256": digest.to_string()})
    });
    let failed = built.failed.iter().map(|(name, why)| json!({"app": name.as_str(), "why": why}));
    json!({"built": apps.collect::<Vec<_>>(), "failed": failed.collect::<Vec<_>>()})
}

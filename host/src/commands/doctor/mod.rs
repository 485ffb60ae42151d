//! `guesthouse doctor`: whether this machine can serve and build apps. It looks, and changes nothing.

mod finding;
mod machine;
mod places;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use guesthouse_builders::found::languages;
use guesthouse_types::escape::json;

use crate::cli::flags::DoctorFlags;
use crate::cli::flags::ServeFlags;
use crate::cli::values::ReportFormat;
use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::finding::State;
use crate::commands::doctor::finding::text;
use crate::config::Config;
use crate::config::surroundings::Surroundings;
use crate::foreground::announce::print;

/// Looks around, and tells what it found.
pub async fn run(flags: &DoctorFlags) -> anyhow::Result<ExitCode> {
    let mut findings = serving(flags);
    findings.extend(machine::findings());
    let languages = languages(Path::new(".")).await;
    findings.extend(languages.into_iter().map(|(language, found)| Finding::building(language, found)));
    match flags.format.unwrap_or_default() {
        ReportFormat::Text => print(text(&findings)).await,
        ReportFormat::Json => {
            let all = serde_json::to_string_pretty(&findings).context("cannot write the result")?;
            print(json(&all).into_owned()).await;
        }
    }
    let failed = findings.iter().any(|finding| finding.state == State::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What `serve` with the same flags needs.
fn serving(flags: &DoctorFlags) -> Vec<Finding> {
    let serve = ServeFlags {
        apps: flags.apps.clone(),
        address: flags.address.clone(),
        config: flags.config.clone(),
        state: flags.state.clone(),
        ..ServeFlags::default()
    };
    match Config::serve(&serve, &Surroundings::of_process()) {
        Ok(config) => places::findings(&config),
        Err(error) => vec![Finding::serving("configuration", State::Fail, format!("{error:#}"))],
    }
}

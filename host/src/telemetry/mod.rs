//! The log on stderr: a line for people, or a JSON object a line; at once, or many lines in one write.
//!
//! Callers escape what a guest or a visitor wrote. Should one forget, nothing that acts gets through here, in text or in
//! JSON: nothing can colour, move or forge lines on an operator's terminal.

pub(crate) mod batch;
mod libraries;
mod line;
mod panics;

use std::env;
use std::fs::File;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::OnceLock;

use anyhow::Context as _;
use clap::ValueEnum;
use guesthouse_sandbox::bounds::output::GUEST;
use guesthouse_serve::access_log::ACCESS;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::telemetry::batch::Batch;
use crate::telemetry::batch::LineWriters;
use crate::telemetry::batch::Lines;
use crate::telemetry::libraries::Libraries;
use crate::telemetry::line::Clock;
use crate::telemetry::line::Line;

/// Where the log's lines go.
static LINES: OnceLock<Arc<Lines>> = OnceLock::new();

/// Targets of whose lines there may be as many as there are requests: these go out together.
const FREQUENT: [&str; 2] = [ACCESS, GUEST];

/// What is logged, and how.
#[derive(Clone, Debug, Default)]
pub struct LogSettings {
    /// How it is written.
    pub format: LogFormat,
    /// What is logged when `RUST_LOG` does not say; `info` and above when nobody says.
    pub filter: Option<String>,
}

/// How the log is written to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The log of the process. Dropping it writes what is still on its way.
pub struct Log(#[expect(dead_code, reason = "held for its end")] Batch);

/// Begins to log, for the whole process. May be called once.
pub fn install(settings: &LogSettings) -> anyhow::Result<Log> {
    let (origin, filter) = match (env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()), &settings.filter) {
        (Some(filter), _) => ("RUST_LOG", filter),
        (None, Some(filter)) => ("[log] filter", filter.clone()),
        (None, None) => ("the default", "info".to_owned()),
    };
    let filter = EnvFilter::try_new(&filter).with_context(|| format!("{origin} `{filter}`"))?;
    // Past the standard library's lock on stderr, which a writer whose reader does not read would hold for ever.
    let stderr = std::io::stderr().as_fd().try_clone_to_owned().context("cannot write to stderr")?;
    let stderr = File::from(stderr);
    let clock = Clock::for_reader(&stderr);
    let batch = Batch::begin(Box::new(stderr), &FREQUENT).context("cannot start the log's thread")?;
    // Without `log_internal_errors(false)` a closed stderr would be reported on stderr, with a panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LineWriters { lines: batch.lines(), is_json: settings.format == LogFormat::Json })
        .with_ansi(is_colourful())
        .log_internal_errors(false);
    let installed = match settings.format {
        LogFormat::Text => builder.event_format(Line { clock }).finish().with(Libraries::default()).try_init(),
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_current_span(false);
            builder.finish().with(Libraries::default()).try_init()
        }
    };
    installed.map_err(|error| anyhow::anyhow!("{error}"))?;
    panics::log();
    // There is one: a second subscriber would have been refused.
    let _ = LINES.set(batch.lines());
    Ok(Log(batch))
}

/// Writes `text`, which is no line of the log, to stderr: behind the log's lines where there is a log, and then without
/// waiting for whoever reads there.
pub fn print(text: &str) {
    match LINES.get() {
        Some(lines) => lines.add(text.as_bytes(), false),
        // Nobody may be reading any more.
        None => _ = std::io::stderr().write_all(text.as_bytes()),
    }
}

/// Only on a terminal, and not when somebody asked for none (<https://no-color.org>).
fn is_colourful() -> bool {
    let asked_not_to = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !asked_not_to && std::io::stderr().is_terminal()
}

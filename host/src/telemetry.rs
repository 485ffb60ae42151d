//! The log on stderr: a line for people, or a JSON object a line.
//!
//! Callers escape what a guest or a visitor wrote. Should one forget, the text format still lets no control character
//! through: nothing here can colour, move or forge lines on an operator's terminal. JSON escapes by its own rules.

use std::env;
use std::fmt;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Deserialize;
use tracing::Event;
use tracing::Level;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::FormatEvent;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::registry::LookupSpan;

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

/// Begins to log, for the whole process. May be called once.
pub fn install(settings: &LogSettings) -> anyhow::Result<()> {
    let (origin, filter) = match (env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()), &settings.filter) {
        (Some(filter), _) => ("RUST_LOG", filter),
        (None, Some(filter)) => ("[log] filter", filter.clone()),
        (None, None) => ("the default", "info".to_owned()),
    };
    let filter = EnvFilter::try_new(&filter).with_context(|| format!("{origin} `{filter}`"))?;
    // Without `log_internal_errors(false)` a closed stderr would be reported on stderr, with a panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_colourful())
        .log_internal_errors(false);
    let installed = match settings.format {
        LogFormat::Text => builder.event_format(Line).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Only on a terminal, and not when somebody asked for none (<https://no-color.org>).
fn is_colourful() -> bool {
    let asked_not_to = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !asked_not_to && std::io::stderr().is_terminal()
}

/// `10:42:07 INFO  published `shop`  app.name=shop app.revision=ba7816bf8f01`, the time in UTC.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && !fields.is_empty()
            {
                write!(said.fields, " {}", Plain(fields))?;
            }
        }
        if said.message.is_empty() {
            // Fields alone: one space before them, as before a message.
            said.fields = said.fields.trim_start().to_owned();
            std::mem::swap(&mut said.message, &mut said.fields);
        }
        let level = *event.metadata().level();
        let clock = clock(SystemTime::now());
        if writer.has_ansi_escapes() {
            let colour = colour(level);
            write!(writer, "\x1b[2m{clock}\x1b[0m \x1b[{colour}m{level:<5}\x1b[0m {}", said.message)?;
            if !said.fields.is_empty() {
                write!(writer, " \x1b[2m{}\x1b[0m", said.fields)?;
            }
        } else {
            write!(writer, "{clock} {level:<5} {}", said.message)?;
            if !said.fields.is_empty() {
                write!(writer, " {}", said.fields)?;
            }
        }
        writeln!(writer)
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "1;31",
        Level::WARN => "33",
        Level::INFO => "32",
        Level::DEBUG => "34",
        Level::TRACE => "35",
    }
}

/// The time of day; the date is known to whoever watches a terminal, and journald has its own.
fn clock(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// An event's message, and its fields behind it.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{}", Plain(&value)),
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={}", Plain(&value)),
        };
    }
}

/// A text without anything that acts on a terminal; its further lines are indented, so that none looks like an entry.
struct Plain<'text>(&'text str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\n' => formatter.write_str("\n         ")?,
                '\t' => formatter.write_char(' ')?,
                // Control characters, and those that turn the direction of writing (UAX #9).
                acting
                    if acting.is_control() || matches!(acting, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {
                    write!(formatter, "{}", acting.escape_unicode())?;
                }
                plain => formatter.write_char(plain)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::time::Duration;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Buffer {
        type Writer = Buffer;

        fn make_writer(&self) -> Buffer {
            self.clone()
        }
    }

    /// What is logged, after the time.
    fn logged(ansi: bool, log: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let builder = tracing_subscriber::fmt().with_writer(buffer.clone()).with_ansi(ansi).event_format(Line);
        tracing::subscriber::with_default(builder.finish(), log);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        text.split_once(' ').unwrap().1.to_owned()
    }

    #[test]
    fn a_line_is_level_message_fields() {
        let line = logged(false, || tracing::info!(app.name = %"shop", requests = 3, "published `shop`"));
        assert_eq!(line, "INFO  published `shop`  app.name=shop requests=3\n");
    }

    #[test]
    fn fields_alone_are_the_message() {
        assert_eq!(logged(false, || tracing::info!(status = 200, path = %"/")), "INFO  status=200 path=/\n");
    }

    #[test]
    fn the_fields_of_spans_come_last() {
        let line = logged(false, || {
            let _span = tracing::info_span!("request", id = 7).entered();
            tracing::warn!(status = 502, "the guest trapped");
        });
        assert_eq!(line, "WARN  the guest trapped  status=502 id=7\n");
    }

    #[test]
    fn nothing_acts_on_the_terminal() {
        let line = logged(false, || tracing::info!(text = "\x1b[31mred\u{202e}", "one\n10:00:00 INFO  two\x07"));
        let expected = "INFO  one\n         10:00:00 INFO  two\\u{7}  text=\\u{1b}[31mred\\u{202e}\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn on_a_terminal_the_level_has_a_colour() {
        assert_eq!(logged(true, || tracing::error!("no")), "\x1b[1;31mERROR\x1b[0m no\n");
    }

    #[test]
    fn the_clock_is_of_the_day() {
        assert_eq!(clock(UNIX_EPOCH + Duration::from_secs(86_400 + 3661)), "01:01:01");
    }
}

//! One log entry as a line for people.

use std::env;
use std::fmt;
use std::fmt::Write;
use std::fs::File;
use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::time::UNIX_EPOCH;

use guesthouse_serve::access_log::ACCESS;
use guesthouse_types::escape::lines;
use tracing::Event;
use tracing::Level;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::FormatEvent;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime as _;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::registry::LookupSpan;

/// `10:42:07 INFO  GET /cart 200  app.name=shop duration_ms=1.2`, the time in UTC.
pub struct Line {
    /// What of the time it begins with.
    pub clock: Clock,
}

/// What a line says of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The time of day: the date is known to whoever watches a terminal.
    OfDay,
    /// The date, the time and the offset (RFC 3339).
    Full,
    /// Nothing: journald has its own.
    Nothing,
}

impl Clock {
    /// What suits whoever reads from this file.
    pub fn for_reader(file: &File) -> Clock {
        if file.is_terminal() {
            Clock::OfDay
        } else if is_journal(file) {
            Clock::Nothing
        } else {
            Clock::Full
        }
    }

    fn write(self, writer: &mut Writer<'_>) -> fmt::Result {
        match self {
            Clock::OfDay => {
                let clock = of_day(std::time::SystemTime::now());
                writer.write_str(str::from_utf8(&clock).map_err(|_| fmt::Error)?)?;
            }
            Clock::Full => SystemTime.format_time(writer)?,
            Clock::Nothing => return Ok(()),
        }
        writer.write_char(' ')
    }
}

/// Whether it is what journald gave this process for its output: `$JOURNAL_STREAM` names it (systemd.exec(5)).
fn is_journal(file: &File) -> bool {
    let named = env::var("JOURNAL_STREAM").unwrap_or_default();
    file.metadata().is_ok_and(|file| named == format!("{}:{}", file.dev(), file.ino()))
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        let is_colourful = writer.has_ansi_escapes();
        if is_colourful {
            writer.write_str("\x1b[2m")?;
            self.clock.write(&mut writer)?;
            write!(writer, "\x1b[0m\x1b[{}m{}\x1b[0m", colour(level), padded(level))?;
        } else {
            self.clock.write(&mut writer)?;
            writer.write_str(padded(level))?;
        }
        let is_access = event.metadata().target() == ACCESS;
        let mut said = Said {
            writer: writer.by_ref(),
            is_colourful,
            is_access,
            message: String::new(),
            part: Part::Nothing,
            result: Ok(()),
        };
        event.record(&mut said);
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && !fields.is_empty()
            {
                said.say(|said| {
                    said.begin_field()?;
                    Plain(&mut said.writer).write_str(fields)
                });
            }
        }
        said.end()?;
        writer.write_char('\n')
    }
}

fn padded(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN ",
        Level::INFO => "INFO ",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
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

fn of_day(now: std::time::SystemTime) -> [u8; 8] {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) % 86_400;
    let digit = |number: u64| b'0' + (number % 10) as u8;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let [h, m, s] = [hours, minutes, seconds].map(|number| [digit(number / 10), digit(number)]);
    [h[0], h[1], b':', m[0], m[1], b':', s[0], s[1]]
}

/// Writes an event's message, and its fields behind it, as they come: tracing hands over the message first.
struct Said<'writer> {
    writer: Writer<'writer>,
    is_colourful: bool,
    /// Whether it is a request's record, whose message has the fields of [`IN_MESSAGE`].
    is_access: bool,
    /// What the message says, where it may say what fields say again.
    message: String,
    part: Part,
    result: fmt::Result,
}

/// Fields of a request's record that its message is made of.
const IN_MESSAGE: [&str; 3] = ["method", "path", "status"];

/// What of an event is written already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Message,
    /// Fields, which are dimmed where there is colour, if there was a message before them.
    Fields,
    BareFields,
}

impl Said<'_> {
    fn say(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = write(self);
        }
    }

    fn begin_field(&mut self) -> fmt::Result {
        match self.part {
            // Fields alone: one space before them, as before a message.
            Part::Nothing => self.part = Part::BareFields,
            Part::Message => {
                self.part = Part::Fields;
                self.writer.write_str(if self.is_colourful { " \x1b[2m" } else { " " })?;
            }
            Part::Fields | Part::BareFields => {}
        }
        self.writer.write_char(' ')
    }

    /// Whether the message has said already what this field says: for people, once is enough.
    fn is_told(&self, field: &Field, value: &dyn fmt::Debug) -> bool {
        match field.name() {
            name if self.is_access => IN_MESSAGE.contains(&name),
            "app.name" => self.message.contains(&format!("`{value:?}`")),
            "app.revision" => self.message.contains(&format!("{value:?}")),
            _ => false,
        }
    }

    fn begin(&mut self, field: &Field) -> Result<bool, fmt::Error> {
        match field.name() {
            "message" => {
                self.part = Part::Message;
                self.writer.write_char(' ')?;
            }
            name if name.starts_with("log.") => return Ok(false),
            name => {
                self.begin_field()?;
                self.writer.write_str(name)?;
                self.writer.write_char('=')?;
            }
        }
        Ok(true)
    }

    fn end(self) -> fmt::Result {
        let Said { mut writer, is_colourful, part, result, .. } = self;
        result?;
        if is_colourful && part == Part::Fields { writer.write_str("\x1b[0m") } else { Ok(()) }
    }
}

impl Visit for Said<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.is_told(field, &format_args!("{value}")) {
            return;
        }
        self.say(|said| if said.begin(field)? { Plain(&mut said.writer).write_str(value) } else { Ok(()) });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.is_told(field, value) {
            return;
        }
        if field.name() == "message" && !self.is_access {
            self.message = format!("{value:?}");
        }
        self.say(|said| if said.begin(field)? { write!(Plain(&mut said.writer), "{value:?}") } else { Ok(()) });
    }
}

/// Lets through nothing that acts on a terminal; further lines of a text are indented, so that none looks like an entry.
struct Plain<'writer, W>(&'writer mut W);

impl<W: Write> Write for Plain<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write!(self.0, "{}", lines(text, "\n         "))
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
        let builder = tracing_subscriber::fmt()
            .with_writer(buffer.clone())
            .with_ansi(ansi)
            .event_format(Line { clock: Clock::OfDay });
        tracing::subscriber::with_default(builder.finish(), log);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        text.split_once(' ').unwrap().1.to_owned()
    }

    #[test]
    fn a_line_is_level_message_fields() {
        let line = logged(false, || tracing::info!(app.name = %"shop", requests = 3, "a request waits"));
        assert_eq!(line, "INFO  a request waits  app.name=shop requests=3\n");
    }

    #[test]
    fn what_the_message_says_is_no_field() {
        let line = logged(false, || {
            tracing::info!({ app.name = "shop", app.revision = %"ba7816bf8f01", size = 1 }, "`shop` is live: ba7816bf8f01");
        });
        assert_eq!(line, "INFO  `shop` is live: ba7816bf8f01  size=1\n");
        let line = logged(false, || {
            tracing::info!({ app.name = "sho" }, "`shop` is live");
            tracing::info!(target: ACCESS, { method = "GET", path = %"/", status = 200, bytes = 3 }, "GET / 200");
        });
        assert!(line.starts_with("INFO  `shop` is live  app.name=sho\n"), "{line}");
        assert!(line.ends_with(" INFO  GET / 200  bytes=3\n"), "{line}");
    }

    #[test]
    fn the_time_is_what_its_reader_lacks() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(Clock::for_reader(&file), Clock::Full);
        let mut text = String::new();
        Clock::Full.write(&mut Writer::new(&mut text)).unwrap();
        let shape: String = text.chars().map(|one| if one.is_ascii_digit() { '0' } else { one }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z ");
        let mut text = String::new();
        Clock::Nothing.write(&mut Writer::new(&mut text)).unwrap();
        assert_eq!(text, "");
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
        assert_eq!(logged(true, || tracing::error!("no")), "\x1b[0m\x1b[1;31mERROR\x1b[0m no\n");
    }

    #[test]
    fn the_clock_is_of_the_day() {
        assert_eq!(&of_day(UNIX_EPOCH + Duration::from_secs(86_400 + 3661)), b"01:01:01");
    }
}

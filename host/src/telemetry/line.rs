//! One log entry as a line for people.

use std::fmt;
use std::fmt::Write;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

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
use tracing_subscriber::registry::LookupSpan;

/// `10:42:07 INFO  published `shop`  app.name=shop app.revision=ba7816bf8f01`, the time in UTC.
pub struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        let clock = clock(SystemTime::now());
        let clock = str::from_utf8(&clock).map_err(|_| fmt::Error)?;
        let is_colourful = writer.has_ansi_escapes();
        if is_colourful {
            write!(writer, "\x1b[2m{clock}\x1b[0m \x1b[{}m{}\x1b[0m", colour(level), padded(level))?;
        } else {
            writer.write_str(clock)?;
            writer.write_char(' ')?;
            writer.write_str(padded(level))?;
        }
        let mut said = Said { writer: writer.by_ref(), is_colourful, part: Part::Nothing, result: Ok(()) };
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

/// The time of day; the date is known to whoever watches a terminal, and journald has its own.
fn clock(now: SystemTime) -> [u8; 8] {
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
    part: Part,
    result: fmt::Result,
}

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
        let Said { mut writer, is_colourful, part, result } = self;
        result?;
        if is_colourful && part == Part::Fields { writer.write_str("\x1b[0m") } else { Ok(()) }
    }
}

impl Visit for Said<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.say(|said| if said.begin(field)? { Plain(&mut said.writer).write_str(value) } else { Ok(()) });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
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
        assert_eq!(&clock(UNIX_EPOCH + Duration::from_secs(86_400 + 3661)), b"01:01:01");
    }
}

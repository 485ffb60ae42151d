//! What a guest prints: cut into lines, escaped, tagged, and bounded in rate.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_types::escape::one_line;
use tokio::io::AsyncWrite;
use tokio::time::Instant;
use wasmtime_wasi::cli::IsTerminal;
use wasmtime_wasi::cli::StdoutStream;
use wasmtime_wasi::p2::OutputStream;
use wasmtime_wasi::p2::Pollable;
use wasmtime_wasi::p2::StreamResult;

use crate::bounds::log_context::LogContext;
use crate::bounds::record::Level;
use crate::bounds::record::Record;
use crate::bounds::record::Taken;

/// The log target of everything that guests cause.
pub const GUEST: &str = "guesthouse::guest";

/// Bytes of one line that are logged; the rest of it is counted.
const LINE_BYTES_MAX: usize = 8 << 10;

/// What a guest may write at once. Writing never waits: what is too much is dropped, not queued.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// Where the output of one app's instances goes, with one bound for all of them together.
pub(crate) struct GuestLog {
    app: String,
    revision: String,
    lines_per_second_max: u32,
    /// Held for a few instructions, never across an await.
    window: Mutex<Window>,
}

struct Window {
    begun: Instant,
    lines: u32,
    /// Dropped since the last report.
    dropped: u64,
    reported: Option<Instant>,
}

impl GuestLog {
    pub(crate) fn new(app: &str, revision: &str, lines_per_second_max: u32) -> GuestLog {
        let window = Mutex::new(Window { begun: Instant::now(), lines: 0, dropped: 0, reported: None });
        GuestLog { app: app.to_owned(), revision: revision.to_owned(), lines_per_second_max, window }
    }

    /// Something that the host has to say about a guest's request, within the same bound.
    pub(crate) fn note(&self, request_id: &str, text: &str) {
        if self.admit() {
            let noted = &text.as_bytes()[..text.len().min(LINE_BYTES_MAX)];
            let (app, revision, text) = (&self.app, &self.revision, escape(noted));
            tracing::warn!(target: GUEST, { app.name = app, app.revision = revision, request.id = request_id }, "{text}");
        }
    }

    /// Whose it is.
    pub(crate) fn app(&self) -> &str {
        &self.app
    }

    /// Something that its author may want to know, within the same bound.
    pub(crate) fn tell(&self, request_id: &str, text: &str) {
        if self.admit() {
            let told = &text.as_bytes()[..text.len().min(LINE_BYTES_MAX)];
            let (app, revision, text) = (&self.app, &self.revision, escape(told));
            tracing::info!(target: GUEST, { app.name = app, app.revision = revision, request.id = request_id }, "{text}");
        }
    }

    /// A record of a guest's own, each of whose lines counts.
    fn record(&self, stream: StreamName, request_id: &str, record: &Record) {
        let admitted = record.lines.iter().take_while(|_| self.admit());
        let text: Vec<String> = admitted.map(|(line, cut)| shown(line, *cut)).collect();
        if text.is_empty() {
            return;
        }
        let (app, revision, stream, text) = (&self.app, &self.revision, stream.as_str(), text.join("\n"));
        match record.level {
            Level::Error => {
                tracing::error!(target: GUEST, { app.name = app, app.revision = revision, request.id = request_id, stream }, "{text}");
            }
            Level::Warning => {
                tracing::warn!(target: GUEST, { app.name = app, app.revision = revision, request.id = request_id, stream }, "{text}");
            }
            Level::Info => {
                tracing::info!(target: GUEST, { app.name = app, app.revision = revision, request.id = request_id, stream }, "{text}");
            }
        }
    }

    fn line(&self, stream: StreamName, request_id: &str, bytes: &[u8], cut: usize) {
        if !self.admit() {
            return;
        }
        let text = shown(bytes, cut);
        let (app, revision, stream) = (&self.app, &self.revision, stream.as_str());
        tracing::info!(target: GUEST, { app.name = app, app.revision = revision, request.id = request_id, stream }, "{text}");
    }

    /// Counts one more line; `false` when the second is full.
    fn admit(&self) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begun.elapsed() >= Duration::from_secs(1) {
            self.report(&mut window);
            (window.begun, window.lines) = (Instant::now(), 0);
        }
        window.lines = window.lines.saturating_add(1);
        if window.lines > self.lines_per_second_max {
            window.dropped += 1;
        }
        window.lines <= self.lines_per_second_max
    }

    /// Says how much was dropped, at most once a second: what comes between two reports is in the next one.
    fn report(&self, window: &mut Window) {
        if window.reported.is_some_and(|reported| reported.elapsed() < Duration::from_secs(1)) {
            return;
        }
        let dropped = std::mem::take(&mut window.dropped);
        if dropped > 0 {
            window.reported = Some(Instant::now());
            let (app, revision, most) = (&self.app, &self.revision, self.lines_per_second_max);
            tracing::warn!(target: GUEST, { app.name = app, app.revision = revision, dropped },
                "dropped {dropped} lines of output: more than {most} in a second");
        }
    }

    /// An instance has ended: its share of the dropped lines must not wait for the next one to be told.
    fn instance_ended(&self) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        self.report(&mut window);
    }
}

fn shown(line: &[u8], cut: usize) -> String {
    let text = escape(line);
    if cut > 0 { format!("{text} … ({cut} more bytes)") } else { text }
}

/// Makes a guest's bytes safe to print as one record, invalid UTF-8 too.
fn escape(bytes: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(bytes)).to_string()
}

#[derive(Clone, Copy)]
pub(crate) enum StreamName {
    Stdout,
    Stderr,
}

impl StreamName {
    fn as_str(self) -> &'static str {
        match self {
            StreamName::Stdout => "stdout",
            StreamName::Stderr => "stderr",
        }
    }
}

/// One instance's standard output or error.
#[derive(Clone)]
pub(crate) struct GuestStream {
    /// A guest may open its standard output several times: all of them are one text.
    lines: Arc<Mutex<Lines>>,
}

struct Lines {
    log: Arc<GuestLog>,
    stream: StreamName,
    log_context: LogContext,
    line: Vec<u8>,
    /// Bytes of the current line beyond the bound.
    cut: usize,
    /// A record that is being written.
    record: Option<Record>,
}

impl GuestStream {
    pub(crate) fn new(log: &Arc<GuestLog>, stream: StreamName, log_context: &LogContext) -> GuestStream {
        let (log, log_context) = (log.clone(), log_context.clone());
        GuestStream {
            lines: Arc::new(Mutex::new(Lines { log, stream, log_context, line: Vec::new(), cut: 0, record: None })),
        }
    }

    fn take(&self, bytes: &[u8]) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (content, ended) = match piece.split_last() {
                Some((b'\n', content)) => (content, true),
                _ => (piece, false),
            };
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len()).min(content.len());
            self.line.extend_from_slice(&content[..room]);
            self.cut += content.len() - room;
            if ended {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let taken = Record::take(&mut self.record, line, self.cut);
        self.log_context.with(|request_id| match taken {
            Taken::Line => self.log.line(self.stream, request_id, line, self.cut),
            Taken::Whole(record) => self.log.record(self.stream, request_id, &record),
            Taken::Part => {}
        });
        self.line.clear();
        self.cut = 0;
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        if let Some(record) = self.record.take() {
            self.log_context.with(|request_id| self.log.record(self.stream, request_id, &record));
        }
        self.log.instance_ended();
    }
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl Pollable for GuestStream {
    fn ready<'life, 'trait_>(&'life mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'trait_>>
    where
        'life: 'trait_,
        Self: 'trait_,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(escape(bytes), expected);
    }

    #[test]
    fn nothing_that_a_guest_prints_reaches_a_terminal_raw() {
        check("grüße, 世界".as_bytes(), "grüße, 世界");
        check(b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}");
        check(b"a\r{\"level\":\"error\"}\tb", "a\\r{\"level\":\"error\"}\\tb");
        check(b"\xff\xfe", "\u{fffd}\u{fffd}");
        check("\u{202e}evil\u{2028}".as_bytes(), "\\u{202e}evil\\u{2028}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_has_room_for_so_many_lines() {
        let log = GuestLog::new("shop", "1", 3);
        let admitted = (0..10).filter(|_| log.admit()).count();
        assert_eq!((admitted, log.window.lock().unwrap().dropped), (3, 7));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(log.admit());
        assert_eq!(log.window.lock().unwrap().dropped, 0, "the count was told");
    }
}

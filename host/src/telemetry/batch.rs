//! Where log lines go: to one thread that writes them, at once or many together.
//!
//! One write for each request would cost as much as the request's own answer. So lines of which there is one for each
//! request wait for each other, for no longer than [`WAIT`] and in no more than [`WRITE_BYTES`]; any other line goes out at
//! once, behind those that wait. Nobody but the thread ever waits for the reader: when [`WAITING_BYTES_MAX`] wait, further
//! lines are dropped and counted. A process that is killed takes with it what waits.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use guesthouse_types::escape::json;
use tracing::Level;
use tracing::Metadata;
use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

/// For how long a line may wait.
const WAIT: Duration = Duration::from_millis(50);

/// What waits is written when it is as much as this, whatever the time.
const WRITE_BYTES: usize = 64 << 10;

/// What may wait for a reader who does not read; a line that does not fit is dropped.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// For how long the end of the process waits for a reader who does not read.
const PARTING: Duration = Duration::from_millis(500);

/// Lines that were dropped since the process began.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The lines that were dropped since the process began, because nobody read the log.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The log's end. Dropping it writes what waits.
pub struct Batch {
    lines: Arc<Lines>,
    thread: JoinHandle<()>,
    /// Disconnected when the thread has written its last.
    ended: mpsc::Receiver<()>,
}

/// What is on its way.
pub struct Lines {
    /// Held to add a line or to take all of them, never while they are written.
    waiting: Mutex<Waiting>,
    asleep: AtomicBool,
    /// A line waits that shall not wait.
    hurried: AtomicBool,
    stopped: AtomicBool,
    /// Targets whose lines may wait.
    patient: &'static [&'static str],
    thread: Mutex<Option<std::thread::Thread>>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines that found no room since the last ones were taken.
    dropped: u64,
}

impl Batch {
    /// Begins to write to `end`. Lines of the `patient` targets may wait, unless they are warnings or errors.
    pub fn begin(end: Box<dyn io::Write + Send>, patient: &'static [&'static str]) -> io::Result<Batch> {
        let lines = Arc::new(Lines {
            waiting: Mutex::default(),
            asleep: AtomicBool::new(false),
            hurried: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            patient,
            thread: Mutex::new(None),
        });
        let (shared, (alive, ended)) = (lines.clone(), mpsc::channel());
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            shared.run(end);
            drop(alive);
        })?;
        *lock(&lines.thread) = Some(thread.thread().clone());
        Ok(Batch { lines, thread, ended })
    }

    /// For those who write.
    pub fn lines(&self) -> Arc<Lines> {
        self.lines.clone()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.lines.stopped.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        // Nothing is ever sent: it ends with the thread, or the reader has had his time.
        let _ = self.ended.recv_timeout(PARTING);
    }
}

impl Lines {
    fn run(&self, mut end: Box<dyn io::Write + Send>) {
        let mut spare = Vec::new();
        while !self.stopped.load(Ordering::SeqCst) {
            self.sleep();
            if !self.hurried.load(Ordering::SeqCst) {
                // Not a sleep: the end of the process must not wait for it.
                std::thread::park_timeout(WAIT);
            }
            self.write_out(&mut end, &mut spare);
        }
        // The second time for what the first one may have to say of dropped lines.
        self.write_out(&mut end, &mut spare);
        self.write_out(&mut end, &mut spare);
    }

    /// Sleeps until a line waits. `asleep` is set before each look at `waiting`, and whoever adds a line does it the other
    /// way round, so that one of the two always sees the other.
    fn sleep(&self) {
        loop {
            self.asleep.store(true, Ordering::SeqCst);
            if !lock(&self.waiting).bytes.is_empty() || self.stopped.load(Ordering::SeqCst) {
                break;
            }
            std::thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Adds `line`, with its end; never waits for a reader. One that may not wait goes out at once.
    pub fn add(&self, line: &[u8], may_wait: bool) {
        let length = {
            let mut waiting = lock(&self.waiting);
            if waiting.bytes.len() + line.len() > WAITING_BYTES_MAX {
                waiting.dropped += 1;
                DROPPED.fetch_add(1, Ordering::Relaxed);
                return;
            }
            waiting.bytes.extend_from_slice(line);
            waiting.bytes.len()
        };
        let hurries = !may_wait || length >= WRITE_BYTES;
        // Set before the thread is woken, which looks at it before it waits for more.
        let is_new = hurries && !self.hurried.swap(true, Ordering::SeqCst);
        if (self.asleep.swap(false, Ordering::SeqCst) || is_new)
            && let Some(thread) = &*lock(&self.thread)
        {
            thread.unpark();
        }
    }

    /// Writes what waits; `spare` is the room for what waits next.
    fn write_out(&self, end: &mut dyn io::Write, spare: &mut Vec<u8>) {
        // Before the lines are taken: what comes later hurries by itself.
        self.hurried.store(false, Ordering::SeqCst);
        let dropped = {
            let mut waiting = lock(&self.waiting);
            std::mem::swap(&mut waiting.bytes, spare);
            std::mem::take(&mut waiting.dropped)
        };
        self.write_all(end, spare);
        spare.clear();
        // What one bad minute needed is not kept for ever.
        spare.shrink_to(2 * WRITE_BYTES);
        if dropped > 0 {
            warn!(
                target: "guesthouse::log",
                { log.lines_dropped = dropped },
                "dropped {dropped} lines of this log: nobody read it"
            );
        }
    }

    fn write_all(&self, end: &mut dyn io::Write, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match end.write(bytes) {
                Ok(written) if written > 0 => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody who has the same pipe made it so. At the end nobody waits for it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !self.stopped.load(Ordering::SeqCst) => {
                    std::thread::park_timeout(WAIT);
                }
                // Nobody reads any more.
                Ok(_) | Err(_) => return,
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A way to [`Lines`] for one event.
pub struct LineWriter<'lines> {
    to: &'lines LineWriters,
    may_wait: bool,
}

impl io::Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match str::from_utf8(line) {
            // A serialiser of JSON lets pass what acts on a terminal.
            Ok(text) if self.to.is_json => self.to.lines.add(json(text).as_bytes(), self.may_wait),
            _ => self.to.lines.add(line, self.may_wait),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the formatter asks for a writer.
pub struct LineWriters {
    /// Where the lines go.
    pub lines: Arc<Lines>,
    /// Whether each line is an object.
    pub is_json: bool,
}

impl<'lines> MakeWriter<'lines> for LineWriters {
    type Writer = LineWriter<'lines>;

    fn make_writer(&'lines self) -> LineWriter<'lines> {
        LineWriter { to: self, may_wait: false }
    }

    fn make_writer_for(&'lines self, event: &Metadata<'_>) -> LineWriter<'lines> {
        let may_wait = *event.level() >= Level::INFO && self.lines.patient.contains(&event.target());
        LineWriter { to: self, may_wait }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Sends on what is written, one message for each write.
    struct Told(mpsc::Sender<String>);

    impl io::Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn begin() -> (Batch, mpsc::Receiver<String>) {
        let (sender, told) = mpsc::channel();
        (Batch::begin(Box::new(Told(sender)), &[]).unwrap(), told)
    }

    #[test]
    fn lines_that_may_wait_go_out_in_order_and_together_and_without_being_asked() {
        let (batch, told) = begin();
        for line in ["one\n", "two\n", "three\n"] {
            batch.lines().add(line.as_bytes(), true);
        }
        let mut all = String::new();
        while all.len() < 14 {
            all.push_str(&told.recv().unwrap());
        }
        assert_eq!(all, "one\ntwo\nthree\n");
    }

    #[test]
    fn a_line_that_may_not_wait_takes_with_it_what_does() {
        let (batch, told) = begin();
        batch.lines().add(b"patient\n", true);
        batch.lines().add(b"urgent\n", false);
        assert_eq!(all_of(&told, 15), "patient\nurgent\n");
    }

    #[test]
    fn no_line_waits_for_ever_whatever_came_before_it() {
        let (batch, told) = begin();
        for _ in 0..100 {
            until_asleep(&batch);
            batch.lines().add(b"a\n", true);
            batch.lines().add(b"b\n", false);
            until_asleep(&batch);
            batch.lines().add(b"c\n", true);
            assert_eq!(all_of(&told, 6), "a\nb\nc\n");
        }
    }

    fn all_of(told: &mpsc::Receiver<String>, length: usize) -> String {
        let mut all = String::new();
        while all.len() < length {
            all.push_str(&told.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        all
    }

    fn until_asleep(batch: &Batch) {
        let begun = Instant::now();
        while !batch.lines.asleep.load(Ordering::SeqCst) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the thread waits, and says that it does not");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_reader_who_does_not_read_holds_nobody_and_what_he_missed_is_counted() {
        let (hold, held) = mpsc::channel();
        let batch = Batch::begin(Box::new(Stuck(held)), &[]).unwrap();
        let (lines, line) = (batch.lines(), vec![b'x'; WRITE_BYTES]);
        let before = dropped();
        // What the thread took is on its way, and as much again waits.
        let fits = WAITING_BYTES_MAX / WRITE_BYTES;
        for _ in 0..3 * fits {
            lines.add(&line, false);
        }
        let waits = lock(&lines.waiting).bytes.len();
        assert!(waits <= WAITING_BYTES_MAX, "{waits}");
        assert!(dropped() - before >= fits as u64, "{}", dropped() - before);
        // Nor the end.
        drop(batch);
        drop(hold);
    }

    /// A pipe that is full, until somebody lets go of it.
    struct Stuck(mpsc::Receiver<()>);

    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_would_block_is_tried_again() {
        let (sender, told) = mpsc::channel();
        let batch = Batch::begin(Box::new(Halting(Told(sender), true)), &[]).unwrap();
        batch.lines().add(b"all of it\n", false);
        assert_eq!(all_of(&told, 10), "all of it\n");
    }

    /// Takes a byte at a time, and nothing every other time.
    struct Halting(Told, bool);

    impl io::Write for Halting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { self.0.write(&bytes[..1]) } else { Err(io::ErrorKind::WouldBlock.into()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn much_that_waits_is_written_whatever_the_time() {
        let (batch, told) = begin();
        until_asleep(&batch);
        batch.lines().add(&vec![b'x'; WRITE_BYTES], true);
        assert_eq!(all_of(&told, WRITE_BYTES).len(), WRITE_BYTES);
    }

    #[test]
    fn the_end_writes_what_waits() {
        let (batch, told) = begin();
        batch.lines().add(b"last\n", true);
        drop(batch);
        let all: String = told.try_iter().collect();
        assert_eq!(all, "last\n");
    }
}

//! Where log lines go: at once, or many together.
//!
//! One write for each request would cost as much as the request's own answer. So lines of which there is one for each
//! request wait for each other, for no longer than [`WAIT`] and in no more than [`BYTES_MAX`]; any other line goes out at
//! once, behind those that wait. A process that is killed takes with it what waits.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::Level;
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// For how long a line may wait.
const WAIT: Duration = Duration::from_millis(50);

/// What waits is written when it is as much as this, whatever the time. A reader who does not read so stops those who
/// write, and nothing is lost.
const BYTES_MAX: usize = 64 << 10;

/// For how long the end of the process waits for a reader who does not read.
const PARTING: Duration = Duration::from_millis(500);

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
    waiting: Mutex<Vec<u8>>,
    /// Held while lines are written, so that they stay in order.
    out: Mutex<Out>,
    asleep: AtomicBool,
    stopped: AtomicBool,
    /// Targets whose lines may wait.
    patient: &'static [&'static str],
    thread: Mutex<Option<std::thread::Thread>>,
}

struct Out {
    end: Box<dyn io::Write + Send>,
    /// What is written, and the room for what waits next.
    spare: Vec<u8>,
}

impl Batch {
    /// Begins to write to `end`. Lines of the `patient` targets may wait, unless they are warnings or errors.
    pub fn begin(end: Box<dyn io::Write + Send>, patient: &'static [&'static str]) -> io::Result<Batch> {
        let lines = Arc::new(Lines {
            waiting: Mutex::default(),
            out: Mutex::new(Out { end, spare: Vec::new() }),
            asleep: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            patient,
            thread: Mutex::new(None),
        });
        let (shared, (end, ended)) = (lines.clone(), mpsc::channel());
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            shared.run();
            drop(end);
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
    fn run(&self) {
        while !self.stopped.load(Ordering::SeqCst) {
            self.sleep();
            // Not a sleep: the end of the process must not wait for it.
            std::thread::park_timeout(WAIT);
            self.write_out();
        }
        self.write_out();
    }

    /// Sleeps until a line waits. `asleep` is set before each look at `waiting`, and whoever adds a line does it the other
    /// way round, so that one of the two always sees the other. What woke this may be gone again: an urgent line takes
    /// with it what waits.
    fn sleep(&self) {
        loop {
            self.asleep.store(true, Ordering::SeqCst);
            if !lock(&self.waiting).is_empty() || self.stopped.load(Ordering::SeqCst) {
                break;
            }
            std::thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn add(&self, line: &[u8], may_wait: bool) {
        let length = {
            let mut waiting = lock(&self.waiting);
            waiting.extend_from_slice(line);
            waiting.len()
        };
        // After the end nobody else would write it.
        if !may_wait || length >= BYTES_MAX || self.stopped.load(Ordering::SeqCst) {
            self.write_out();
        } else if self.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = &*lock(&self.thread)
        {
            thread.unpark();
        }
    }

    fn write_out(&self) {
        let mut out = lock(&self.out);
        std::mem::swap(&mut *lock(&self.waiting), &mut out.spare);
        let Out { spare, end } = &mut *out;
        // Nobody may be reading any more.
        let _ = end.write_all(spare);
        spare.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A way to [`Lines`] for one event.
pub struct LineWriter<'lines> {
    lines: &'lines Lines,
    may_wait: bool,
}

impl io::Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.may_wait);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.write_out();
        Ok(())
    }
}

/// What the formatter asks for a writer.
pub struct LineWriters(pub Arc<Lines>);

impl<'lines> MakeWriter<'lines> for LineWriters {
    type Writer = LineWriter<'lines>;

    fn make_writer(&'lines self) -> LineWriter<'lines> {
        LineWriter { lines: &self.0, may_wait: false }
    }

    fn make_writer_for(&'lines self, event: &Metadata<'_>) -> LineWriter<'lines> {
        let may_wait = *event.level() >= Level::INFO && self.0.patient.contains(&event.target());
        LineWriter { lines: &self.0, may_wait }
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
        let all: String = told.try_iter().collect();
        assert_eq!(all, "patient\nurgent\n");
    }

    #[test]
    fn a_line_does_not_wait_for_ever_after_an_urgent_one_took_what_the_thread_was_woken_for() {
        let (batch, told) = begin();
        for _ in 0..100 {
            until_asleep(&batch);
            batch.lines().add(b"a\n", true);
            batch.lines().add(b"b\n", false);
            until_asleep(&batch);
            batch.lines().add(b"c\n", true);
            let mut all = String::new();
            while all.len() < 6 {
                all.push_str(&told.recv_timeout(Duration::from_secs(60)).unwrap());
            }
            assert_eq!(all, "a\nb\nc\n");
        }
    }

    fn until_asleep(batch: &Batch) {
        let begun = Instant::now();
        while !batch.lines.asleep.load(Ordering::SeqCst) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the thread waits, and says that it does not");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_reader_who_does_not_read_does_not_hold_the_end() {
        let (hold, held) = mpsc::channel();
        let batch = Batch::begin(Box::new(Stuck(held)), &[]).unwrap();
        batch.lines().add(b"x", true);
        drop(batch);
        drop(hold);
    }

    /// A pipe that is full.
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
    fn no_more_waits_than_there_is_room_for() {
        let (batch, told) = begin();
        batch.lines().add(&vec![b'x'; BYTES_MAX], true);
        assert!(told.try_recv().is_ok());
    }

    #[test]
    fn the_end_writes_what_waits() {
        let (batch, told) = begin();
        let lines = batch.lines();
        lines.add(b"last\n", true);
        drop(batch);
        lines.add(b"behind it\n", true);
        let all: String = told.try_iter().filter(|written| !written.is_empty()).collect();
        assert_eq!(all, "last\nbehind it\n");
    }
}

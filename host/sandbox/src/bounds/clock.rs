//! The clock that makes guests give way: one thread, one tick a millisecond, for all engines.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::EngineWeak;

/// How often a guest that computes gives way.
const TICK: Duration = Duration::from_millis(1);

/// For how many ticks the clock goes on when no guest runs. Stopping costs a system call at the next request; never
/// stopping costs a thousand wake-ups a second.
const TICKS_WITHOUT_GUESTS: u32 = 50;

pub(crate) struct Clock {
    face: Arc<Face>,
    thread: Option<JoinHandle<()>>,
}

struct Face {
    engines: Mutex<Vec<EngineWeak>>,
    running: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// While one of these lives, the clock ticks.
pub(crate) struct Ticking {
    clock: Arc<Clock>,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        let face = Arc::new(Face {
            engines: Mutex::default(),
            running: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let shared = face.clone();
        let thread = std::thread::Builder::new()
            .name("epoch clock".to_owned())
            .spawn(move || shared.run())
            .expect("a thread can be started while the host starts");
        Clock { face, thread: Some(thread) }
    }

    /// Includes `engine` in every tick, for as long as it lives.
    pub(crate) fn interrupt(&self, engine: &Engine) {
        self.face.engines.lock().unwrap_or_else(PoisonError::into_inner).push(engine.weak());
    }

    /// Says that a guest is about to run.
    pub(crate) fn ticking(self: &Arc<Clock>) -> Ticking {
        self.face.running.fetch_add(1, Ordering::SeqCst);
        if self.face.asleep.load(Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Ticking { clock: self.clone() }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.clock.face.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.face.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The last guest may end on the clock's own thread only if an engine is dropped there: it holds weak ones.
            let _ = thread.join();
        }
    }
}

impl Face {
    fn run(&self) {
        let mut idle_ticks = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            std::thread::sleep(TICK);
            for engine in self.engines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                if let Some(engine) = engine.upgrade() {
                    engine.increment_epoch();
                }
            }
            idle_ticks = if self.running.load(Ordering::SeqCst) == 0 { idle_ticks + 1 } else { 0 };
            if idle_ticks > TICKS_WITHOUT_GUESTS {
                self.sleep();
                idle_ticks = 0;
            }
        }
    }

    /// Sleeps until a guest runs. `asleep` is set before `running` is read, and a guest does it the other way round, so
    /// that one of the two always sees the other.
    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_wakes_for_a_guest_and_ends_with_its_owner() {
        let clock = Arc::new(Clock::start());
        while !clock.face.asleep.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let ticking = clock.ticking();
        while clock.face.asleep.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        drop(ticking);
        drop(clock);
    }
}

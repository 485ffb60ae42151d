//! The protocol between a swap and the requests that meet it, in every order of its steps that `shuttle` tries.
//!
//! This is a model: `shuttle` has to see each step, and the real one is made of types of other crates. `Table` stands for
//! `ArcSwap`, `Tracker` for tokio-util's `TaskTracker` step by step, `App::enter` and `App::drain` are those of
//! `host/app/src/app.rs`, `look_up` is that of `host/serve/src/handle/mod.rs`, and `swap` does what the deploy path does in
//! `host/deploy/src/deployer.rs`: store the table, then close the old revision. What it cannot see: memory orders weaker
//! than sequential, and a change of the real code that nobody makes here as well. A program of its own, because `shuttle`
//! takes the panics of all tests for its own.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc as Shared;

use shuttle::sync::Arc;
use shuttle::sync::Condvar;
use shuttle::sync::Mutex;
use shuttle::sync::atomic::AtomicBool;
use shuttle::sync::atomic::AtomicUsize;
use shuttle::sync::atomic::Ordering;
use shuttle::thread;

/// Orders that are tried.
const SCHEDULES: usize = 5000;
/// How many changes of thread may break the order in an unlikely place.
const DEPTH: usize = 4;

/// `TaskTracker`: one word, twice the number of tokens, and one bit for closed.
struct Tracker {
    state: AtomicUsize,
    /// Told when it becomes closed and empty.
    ended: (Mutex<bool>, Condvar),
}

/// Given back by hand and not on drop: a request that panics would give it back while its stack unwinds, where another
/// thread may be given its turn and panic first, with another message.
struct Token(Arc<App>);

struct App {
    number: usize,
    tracker: Tracker,
    /// The drain deadline has passed.
    retired: AtomicBool,
    /// The drain is over: nothing would cut a request any more.
    drained: AtomicBool,
}

type Table = Mutex<Arc<App>>;

/// When a request is counted.
#[derive(Clone, Copy)]
enum Counted {
    /// As it is: at once, and it looks again when it was overtaken.
    AtTheLook,
    /// As it was: with the call, whatever happened since the look.
    AtTheCall,
    /// Look first whether it is closed, then count.
    AfterTheLook,
}

impl App {
    fn new(number: usize) -> Arc<App> {
        let tracker = Tracker { state: AtomicUsize::new(0), ended: (Mutex::new(false), Condvar::new()) };
        Arc::new(App { number, tracker, retired: AtomicBool::new(false), drained: AtomicBool::new(false) })
    }

    fn token(self: &Arc<App>) -> Token {
        self.tracker.state.fetch_add(2, Ordering::SeqCst);
        Token(self.clone())
    }

    fn is_closed(&self) -> bool {
        self.tracker.state.load(Ordering::SeqCst) & 1 == 1
    }

    fn enter(self: &Arc<App>, counted: Counted) -> Option<Token> {
        match counted {
            Counted::AtTheLook => {
                let token = self.token();
                if self.is_closed() {
                    token.give_back();
                    return None;
                }
                Some(token)
            }
            Counted::AtTheCall => Some(self.token()),
            Counted::AfterTheLook => {
                let is_closed = self.is_closed();
                (!is_closed).then(|| self.token())
            }
        }
    }

    /// Waits for the requests in flight; the deadline passes when `deadline` says so. How many were cut.
    fn drain(&self, deadline: bool) -> usize {
        if self.tracker.state.fetch_or(1, Ordering::SeqCst) == 0 {
            *self.tracker.ended.0.lock().unwrap() = true;
        }
        let mut cut = 0;
        if deadline {
            cut = self.tracker.state.load(Ordering::SeqCst) >> 1;
            self.retired.store(true, Ordering::SeqCst);
        } else {
            let mut ended = self.tracker.ended.0.lock().unwrap();
            // `wait` looks at the word itself, and sleeps only if it is not closed and empty.
            while !*ended && self.tracker.state.load(Ordering::SeqCst) != 1 {
                ended = self.tracker.ended.1.wait(ended).unwrap();
            }
        }
        self.drained.store(true, Ordering::SeqCst);
        cut
    }
}

impl Token {
    fn give_back(self) {
        let tracker = &self.0.tracker;
        if tracker.state.fetch_sub(2, Ordering::SeqCst) == 3 {
            *tracker.ended.0.lock().unwrap() = true;
            tracker.ended.1.notify_all();
        }
    }
}

fn look_up(table: &Table, counted: Counted) -> (Arc<App>, Token) {
    loop {
        let app = table.lock().unwrap().clone();
        if let Some(token) = app.enter(counted) {
            return (app, token);
        }
    }
}

/// One request: what it began on is what it ends on, and it is cut only after the deadline.
fn visit(table: &Table, published: &AtomicUsize, counted: Counted) {
    let at_least = published.load(Ordering::SeqCst);
    let (app, token) = look_up(table, counted);
    assert!(app.number >= at_least, "answered by revision {}, after {at_least} was published", app.number);
    for _ in 0..2 {
        thread::yield_now();
        let is_over = app.drained.load(Ordering::SeqCst) && !app.retired.load(Ordering::SeqCst);
        assert!(!is_over, "the drain of revision {} ended while a request was in flight on it", app.number);
    }
    token.give_back();
}

/// The deploy path: the table first, then the end of the old one.
fn swap(table: &Table, published: &AtomicUsize, deadline: bool) {
    for number in 1..=2 {
        let old = std::mem::replace(&mut *table.lock().unwrap(), App::new(number));
        published.store(number, Ordering::SeqCst);
        let cut = old.drain(deadline && number == 1);
        assert!(cut == 0 || deadline);
    }
}

fn check(counted: Counted, deadline: bool) {
    let all = move || {
        let table = Arc::new(Mutex::new(App::new(0)));
        let published = Arc::new(AtomicUsize::new(0));
        let visitors: Vec<_> = (0..2)
            .map(|_| {
                let (table, published) = (table.clone(), published.clone());
                thread::spawn(move || visit(&table, &published, counted))
            })
            .collect();
        swap(&table, &published, deadline);
        visitors.into_iter().for_each(|visitor| visitor.join().unwrap());
        let last = table.lock().unwrap().clone();
        assert!(!last.is_closed(), "what serves is closed");
    };
    let all = Shared::new(all);
    let (random, few) = (all.clone(), all);
    shuttle::check_random(move || random(), SCHEDULES);
    shuttle::check_pct(move || few(), SCHEDULES, DEPTH);
}

#[test]
fn a_drain_waits_for_every_request_that_was_looked_up_before() {
    check(Counted::AtTheLook, false);
}

#[test]
fn a_request_is_cut_only_after_the_deadline() {
    check(Counted::AtTheLook, true);
}

/// What the model is worth: it finds the gap that there was, and the one that is easily made.
#[test]
#[should_panic(expected = "ended while a request was in flight")]
fn a_request_that_is_counted_with_its_call_is_missed_by_a_drain() {
    check(Counted::AtTheCall, false);
}

#[test]
#[should_panic(expected = "ended while a request was in flight")]
fn a_request_that_is_counted_after_it_has_looked_is_missed_by_a_drain() {
    check(Counted::AfterTheLook, false);
}

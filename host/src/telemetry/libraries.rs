//! Lines of other people's libraries: bounded, since a visitor can cause one with every frame of HTTP/2.

use std::collections::HashMap;
use std::sync::Mutex;

use guesthouse_app::failures::Failures;
use guesthouse_app::failures::LogDecision;
use tokio::time::Instant;
use tracing::Event;
use tracing::Level;
use tracing::Subscriber;
use tracing::callsite::Identifier;
use tracing::warn;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// What our own targets begin with. Where one of those can be caused by strangers, it is bounded where it is written.
const OURS: &str = "guesthouse";

/// Lets ten lines in a second through of each place in a library, and counts the rest. Whoever asks for `debug` or `trace`
/// gets all of those.
#[derive(Default)]
pub struct Libraries {
    /// One for each place that ever wrote a line, so no more than there are in the program.
    told: Mutex<HashMap<Identifier, Failures>>,
}

impl Libraries {
    fn turn(&self, place: Identifier, now: Instant) -> LogDecision {
        let mut told = self.told.lock().expect("nothing panics while this lock is held");
        told.entry(place).or_default().turn(now)
    }
}

impl<S: Subscriber> Layer<S> for Libraries {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let about = event.metadata();
        if *about.level() > Level::INFO || about.target().starts_with(OURS) {
            return true;
        }
        match self.turn(about.callsite(), Instant::now()) {
            LogDecision::LeaveOut => false,
            LogDecision::Tell { left_out } => {
                if left_out > 0 {
                    let library = about.target();
                    warn!(
                        target: "guesthouse::log",
                        library,
                        left_out,
                        "`{library}` wrote {left_out} lines more than were logged here"
                    );
                }
                true
            }
        }
    }
}

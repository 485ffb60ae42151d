//! Between what is known and what people are shown: the status, and `status.json`.

use std::io;
use std::path::Path;

use guesthouse_app::routes::Origins;
use guesthouse_types::escape::json;
use guesthouse_types::private;
use guesthouse_types::private::Durable;

use crate::book::Book;
use crate::publish::shown;
use crate::status::AppState;
use crate::status::AppStatus;
use crate::status::Status;

/// What people are shown.
pub fn status<G: Clone>(book: &Book<G>, alarms: Vec<String>, origins: &Origins) -> Status {
    let mut status = Status { ready: book.is_ready(), alarms, ..Status::default() };
    for (name, life) in book.lives() {
        let (state, why) = life.state();
        let app = AppStatus {
            state,
            why,
            live: life.live_revision(),
            standby: life.standby,
            routes: shown(name, life, book.lives(), origins),
        };
        status.apps.insert(name.to_string(), app);
    }
    for (path, why) in book.strangers() {
        let app = AppStatus {
            state: AppState::Refused,
            why: Some(why.clone()),
            live: None,
            standby: None,
            routes: Vec::new(),
        };
        status.apps.insert(path.display().to_string(), app);
    }
    status
}

/// Writes `status.json`. It is for people and scripts; nothing is read back from it.
pub fn write(status: &Status, state: &Path) -> io::Result<()> {
    let text = serde_json::to_string_pretty(status)?;
    private::write(&state.join("status.json"), json(&text).as_bytes(), Durable::No)
}

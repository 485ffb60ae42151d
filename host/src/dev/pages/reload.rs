//! The script that loads a page again when its app has changed.

use guesthouse_serve::pages::Escaped;

/// It reads which app it is of, and what its page knows, from its own element: one text, with one hash.
pub const SCRIPT: &str = include_str!("reload.js");

/// The script for a page of `app`, or of none, that was asked for after the change `since`.
pub fn script_of(app: Option<&str>, since: u64) -> String {
    format!("<script data-app=\"{}\" data-since=\"{since}\">{SCRIPT}</script>\n", Escaped(app.unwrap_or_default()))
}

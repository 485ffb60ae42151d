//! The note over an app's page: why its newest source is not what serves.

use guesthouse_serve::pages::Escaped;

use crate::dev::failure::Failure;

/// How it looks, whatever the page has for styles of its own.
pub const STYLE: &str = include_str!("note.css");

/// Has it closed with Escape. Its button needs no script.
pub const SCRIPT: &str = include_str!("note.js");

/// The note over a page of `app`. It stands in a shadow tree, so that the page's styles do not reach it and its own do not
/// reach the page. Where a policy forbids its style or its script, it is still there, and still closed by its button.
pub fn note_of(app: &str, failure: &Failure) -> String {
    format!(
        "\n<guesthouse-note><template shadowrootmode=\"open\"><style>{STYLE}</style><dialog open aria-labelledby=\"happened\">\
         <form method=\"dialog\"><button>Close</button></form><h2 id=\"happened\">The source of <code>{}</code> {}.</h2>\
         <p>This page is of what was there before.</p><pre>{}</pre></dialog></template></guesthouse-note>\n\
         <script>{SCRIPT}</script>\n",
        Escaped(app),
        failure.happened(),
        failure.html,
    )
}

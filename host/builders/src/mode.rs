//! What a component is built for.

use std::path::Path;

/// What a component is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildMode<'a> {
    /// To be served: all of the app is in it.
    Serve,
    /// To be worked on: where the source is mounted over it, only packages and settings make it another one. What is made of
    /// a source for that is laid into this folder.
    Live(&'a Path),
}

impl BuildMode<'_> {
    /// Whether somebody works on the source while it is served.
    pub fn is_live(self) -> bool {
        matches!(self, BuildMode::Live(_))
    }
}

//! What a component is built for.

/// What a component is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildMode {
    /// To be served: all of the app is in it.
    Serve,
    /// To be worked on: where the source is mounted over it, only packages and settings make it another one.
    Live,
}

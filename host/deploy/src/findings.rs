//! What becomes known of a revision while it is made ready, for who asks rather than serves.

use std::time::Duration;

use guesthouse_manifest::terms::Terms;

/// What becomes known, however far it gets.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What it is given.
    pub terms: Option<Terms>,
    /// How long it took to compile; nothing when that had been done before.
    pub compiled_in: Option<Duration>,
    /// What it was compiled to, in bytes.
    pub compiled_bytes: Option<u64>,
    /// How long its first instance took, with its health if it tells.
    pub first_instance: Option<Duration>,
}

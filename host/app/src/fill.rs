//! How full one bound is.

/// One bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// What is taken: places, or bytes.
    pub used: u64,
    /// What there is.
    pub max: u64,
    /// Who waits for some.
    pub waiting: u64,
    /// Requests that were ended for others, because their visitors were slow, since the host began.
    pub ended: u64,
}

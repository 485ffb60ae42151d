//! What one guest is to have of the outside.

use guesthouse_outbound::client::Limits;
use guesthouse_outbound::rules::Rules;

/// Where its requests may go, and what they may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundSettings {
    /// Where.
    pub rules: Rules,
    /// How much.
    pub limits: Limits,
}

//! What the operator allows: the ceilings under which a manifest may ask freely.

/// The `[policy]` part of the operator's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {}

impl Policy {
    /// Everything that is asked is allowed (`guesthouse dev`).
    pub fn permissive() -> Policy {
        todo!()
    }
}

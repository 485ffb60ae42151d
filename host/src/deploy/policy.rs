//! What the operator allows: the ceilings under which a manifest may ask freely.

/// The `[policy]` part of the operator's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {}

impl Policy {
    /// The largest memory that any app can be given under this policy, in bytes: what the sandbox must be ready for.
    pub fn memory_bytes_max(&self) -> u64 {
        512 << 20
    }

    /// Everything that is asked is allowed (`guesthouse dev`).
    pub fn permissive() -> Policy {
        todo!()
    }
}

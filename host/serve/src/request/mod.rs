//! What a visitor sends: its head, checked; its body, bounded; who sends it.

pub(crate) mod admit;
pub(crate) mod authority;
pub(crate) mod body;
pub(crate) mod context;
pub(crate) mod fields;
pub(crate) mod forwarded;
#[cfg(any(test, fuzzing))]
pub mod head_fuzz;
pub(crate) mod path;
pub(crate) mod refused;
pub(crate) mod request_id;

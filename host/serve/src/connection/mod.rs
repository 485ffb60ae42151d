//! One connection: accepted, recognised, and spoken on.

pub(crate) mod accept;
pub(crate) mod detect;
pub(crate) mod establish;
pub(crate) mod proxy_protocol;
pub(crate) mod socket;
pub(crate) mod trace;
pub(crate) mod trace_mask;

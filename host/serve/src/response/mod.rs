//! What a visitor gets: heads, bodies and pages that are fit to be sent.

pub(crate) mod answer;
pub(crate) mod cookies;
pub(crate) mod declared_length;
pub(crate) mod encoded;
pub(crate) mod reach;
pub(crate) mod respond;
pub(crate) mod tracked_body;

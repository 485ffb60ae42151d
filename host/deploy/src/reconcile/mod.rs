//! From what is in the folder to what serves: decisions, and what is made known of them.

pub(crate) mod event;
pub(crate) mod log;
pub(crate) mod publish;
pub(crate) mod reconciler;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod retire;
pub(crate) mod tracked_app;

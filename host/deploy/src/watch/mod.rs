//! What is in the apps folder, and when it may be read: hints, scans, stillness.

pub(crate) mod scan;
pub(crate) mod settle;
pub(crate) mod watcher;

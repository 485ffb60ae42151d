//! Sockets that visitors connect to, and the streams that come of them.

pub mod inherited;
pub mod listener;
pub(crate) mod listener_mode;
pub(crate) mod stream;
pub(crate) mod unix_socket;

//! What connections are doing, how many there are, and when their time is over.

pub(crate) mod activity;
pub(crate) mod chunks;
pub(crate) mod clock;
pub(crate) mod open_connections;
pub(crate) mod timeouts;
pub(crate) mod unread_body;

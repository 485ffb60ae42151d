//! What the request street is told once.

use std::time::Duration;

/// The bounds of the request street, and what it may show.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// From accept, or from a head's first byte, to its end.
    pub head_timeout: Duration,
    /// Silence within a request's body.
    pub body_silence: Duration,
    /// A connection without a request.
    pub keep_alive_idle: Duration,
    /// A visitor who does not read.
    pub write_idle: Duration,
    /// The head with its request line, in bytes. hyper takes no less than 8 KiB.
    pub head_bytes_max: usize,
    /// Header fields in one head.
    pub fields_max: usize,
    /// The request target, in bytes.
    pub target_bytes_max: usize,
    /// Connections open at once; beyond it the oldest idle one is closed. More than there are listeners: each of them
    /// holds a permit while it waits for the next visitor.
    pub connections_max: usize,
    /// After a stop: how long requests in flight may go on.
    pub grace: Duration,
    /// Show inner details on error pages and an index page of all apps (`dev` only).
    pub inner_details: bool,
    /// Print what arrives on each socket, as bytes and as text.
    pub trace_wire: Option<WireTrace>,
}

/// How a wire trace treats what is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireTrace {
    /// `authorization` and cookie values are masked.
    Masked,
    /// Everything is shown (`dev`).
    Full,
}

impl Default for ServeSettings {
    /// The figures that we promise.
    fn default() -> ServeSettings {
        ServeSettings {
            head_timeout: Duration::from_secs(10),
            body_silence: Duration::from_secs(30),
            keep_alive_idle: Duration::from_secs(75),
            write_idle: Duration::from_secs(60),
            head_bytes_max: 64 << 10,
            fields_max: 100,
            target_bytes_max: 8_000,
            connections_max: 10_000,
            grace: Duration::from_secs(10),
            inner_details: false,
            trace_wire: None,
        }
    }
}

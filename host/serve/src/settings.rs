//! What the request path is told once.

use std::sync::Arc;
use std::time::Duration;

use crate::dev_pages::DevPages;
use crate::trusted::Trusted;

/// The bounds of the request path, and what it may show.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// From accept, or from a head's first byte, to its end.
    pub head_timeout: Duration,
    /// Silence within a request's body.
    pub body_silence: Duration,
    /// After as much silence: so many bytes of a request's body must have come for each second that was spent waiting
    /// for it. 0 asks for nothing.
    pub body_rate_min: u64,
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
    /// Connections that one address may have open at once; an IPv6 network of 64 bits counts as one.
    pub connections_per_address_max: usize,
    /// Whose word about visitors is taken.
    pub trusted: Trusted,
    /// Whether trusted proxies begin each connection with a PROXY header.
    pub proxy_protocol: bool,
    /// For how long browsers shall ask for HTTPS only (RFC 6797); `None` says nothing.
    pub hsts: Option<Duration>,
    /// The port on which visitors reach HTTPS, where it is not the listener's own.
    pub https_port: Option<u16>,
    /// After a stop: how long requests in flight may go on.
    pub grace: Duration,
    /// Show inner details on error pages (`dev` only).
    pub inner_details: bool,
    /// The pages of `dev`, beside those of the host (`dev` only).
    pub dev_pages: Option<Arc<dyn DevPages>>,
    /// Compress what apps answer that do not say whether they want it.
    pub compression: bool,
    /// Bodies that are compressed at once, each with up to 4 MiB of memory; others go as they are.
    pub encoders_max: usize,
    /// Which requests the log has a record of.
    pub access_log: AccessLog,
    /// Print what arrives on each socket, as bytes and as text.
    pub trace_wire: Option<WireTrace>,
}

/// Which requests the log has a record of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// Each.
    All,
    /// Those that failed, were not whole, or took long (`dev`).
    Notable,
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
            body_rate_min: 500,
            keep_alive_idle: Duration::from_secs(75),
            write_idle: Duration::from_secs(60),
            head_bytes_max: 64 << 10,
            fields_max: 100,
            target_bytes_max: 8_000,
            connections_max: 10_000,
            connections_per_address_max: 1_000,
            trusted: Trusted::default(),
            proxy_protocol: false,
            hsts: None,
            https_port: None,
            grace: Duration::from_secs(10),
            inner_details: false,
            dev_pages: None,
            compression: true,
            // About 170 MiB with zstd, which goes before the others; 512 MiB at most.
            encoders_max: 128,
            access_log: AccessLog::All,
            trace_wire: None,
        }
    }
}

//! A listener's side of what its visitors share: how they come in, and what is spoken with them.

use std::sync::Arc;

use guesthouse_tls::certificates::Certificates;

/// What the visitors of one listener share.
pub struct ListenerMode {
    /// What is spoken.
    pub kind: ListenerKind,
    /// Whether trusted proxies begin with a PROXY header.
    pub proxy_protocol: bool,
    /// The port that visitors of HTTPS use, for redirects to it.
    pub https_port: u16,
}

/// What is spoken on a listener.
pub enum ListenerKind {
    /// HTTP as it is.
    Http,
    /// HTTP below TLS, with one of these certificates.
    Https(Arc<Certificates>),
    /// HTTP, to be sent on to HTTPS.
    Redirect,
}

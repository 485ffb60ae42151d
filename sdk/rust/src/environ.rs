//! What is known about a request besides what `http::Request` has fields for.

use std::net::IpAddr;

/// What the host knows about a request besides method, path, headers and body.
///
/// It lies among the request's extensions; [`RequestExt`](crate::RequestExt) reads it field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environ {
    /// `http` or `https`: how the visitor reached the host.
    pub scheme: String,
    /// Host name and optional port, as the visitor wrote them, checked by the host.
    pub authority: String,
    /// The prefix under which the app answers: `/shop`, or empty when it has the host for itself.
    pub mount: String,
    /// The visitor's address, when the host knows it.
    pub peer: Option<IpAddr>,
    /// The id that also stands in the host's log.
    pub id: String,
}

impl Environ {
    /// What a request has that no host sent: one that an author's own test made with `Request::new`.
    pub(crate) const UNKNOWN: Self =
        Self { scheme: String::new(), authority: String::new(), mount: String::new(), peer: None, id: String::new() };
}

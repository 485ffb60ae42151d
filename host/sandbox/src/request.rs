//! A request on its way to a guest: already parsed, checked and bounded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use crate::bounds::memory::Share;

/// One request for a guest. Everything in it has been admitted: a guest never sees what HTTP forbids.
pub struct GuestRequest {
    /// The method (RFC 9110 section 9).
    pub method: http::Method,
    /// `http` or `https`, as the visitor reached the host.
    pub scheme: http::uri::Scheme,
    /// Host and optional port, as sent, validated (RFC 3986 section 3.2).
    pub authority: http::uri::Authority,
    /// The prefix under which the app answers (`/shop`), or empty.
    pub mount: Arc<str>,
    /// Raw path below the mount, with its query: begins with `/`.
    pub path_and_query: http::uri::PathAndQuery,
    /// The visitor's fields, without hop-by-hop ones and without those that only a proxy may set.
    pub headers: http::HeaderMap,
    /// The body, which errors when it is longer than the app's limit or falls silent.
    pub body: RequestBody,
    /// The visitor's address, after trusted proxies were resolved; `None` on a Unix socket.
    pub peer: Option<IpAddr>,
    /// The request's id, `[A-Za-z0-9-]{1,64}`.
    pub id: Arc<str>,
    /// How many apps have called one another before this request: 0 for a visitor's.
    pub depth: u8,
}

/// A request that its guest can be called with.
pub struct Received {
    pub(crate) request: GuestRequest,
    /// The body, when its lane wants it whole.
    pub(crate) body: Option<Whole>,
}

/// A buffered body, and its share of the memory of all guests.
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    pub(crate) _share: Share,
}

/// A request's body, streamed and bounded.
pub type RequestBody = UnsyncBoxBody<Bytes, BodyError>;

/// Why a request's body ended early.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than the app takes (413).
    #[error("longer than {bytes_max} bytes")]
    TooLarge {
        /// The bound, in bytes.
        bytes_max: u64,
    },
    /// The visitor sent nothing for too long (408).
    #[error("nothing arrived for {0:?}")]
    Silent(Duration),
    /// What the visitor sent came too slowly (408).
    #[error("less than {rate_min} bytes a second arrived")]
    Slow {
        /// The bound, in bytes a second.
        rate_min: u64,
    },
    /// The connection broke or its framing was wrong.
    #[error("{0}")]
    Broken(String),
}

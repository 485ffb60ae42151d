//! A request that we do not take, and why.

use std::borrow::Cow;

use http::StatusCode;

/// A refusal: what to answer, in words for whoever sent the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The status to answer with.
    pub status: StatusCode,
    /// What is wrong, as a sentence without its full stop.
    pub reason: Cow<'static, str>,
}

impl Refused {
    /// A refusal with a fixed reason.
    pub const fn new(status: StatusCode, reason: &'static str) -> Refused {
        Refused { status, reason: Cow::Borrowed(reason) }
    }

    /// A request that HTTP does not allow (400).
    pub const fn bad(reason: &'static str) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, reason)
    }
}
